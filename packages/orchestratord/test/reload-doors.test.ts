import { readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { ManifestStatus, OrchestratorState, ORCHESTRATORD_METRICS, ReloadFailure, ReloadSucceeded, STATE_FILE, validator, type EventEnvelope, type Role } from '@corral/contracts';
import type { EventBus } from '@corral/event-bus';
import { createHttpApp, createMetrics, listen, recordingLog, Shutdown, signatureHeader, systemClock, type Gate } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import type { AccessCaller } from '../src/access/principal.js';
import type { AuditRecord } from '../src/audit/audit.js';
import { openReloadDoors } from '../src/compose/reload-doors.js';
import { EventFeed } from '../src/events/event-feed.js';
import { OwnEvents } from '../src/events/own-events.js';
import { isReloadPath, reloadRoutes } from '../src/http/reload.routes.js';
import { roleGuard } from '../src/http/role-guard.js';
import { BindingRegistry, type RequestPin } from '../src/manifest/binding-registry.js';
import { Hangups } from '../src/reloads/hangups.js';
import { openStore } from '../src/store/open-store.js';
import { aFolder, removeFolders } from './fixtures.js';
import { aBinding, aReloadFailed, ScriptedReloads } from './reload-fixtures.js';

const KEY = 'reload-key-1';
const SECRET = 'hmac-secret';
const shutdowns: Shutdown[] = [];
afterEach(async () => {
  for (const shutdown of shutdowns.splice(0)) await shutdown.run();
});
afterAll(removeFolders);

interface Given {
  readonly role?: Role;
  readonly keys?: readonly string[];
  readonly secret?: string;
  readonly watch?: boolean;
  /** A signal comes before the doors are open. */
  readonly isHungUp?: boolean;
}

/** The doors on a server of their own, with the sequence behind them scripted; the gate of the daemon lets one role in. */
async function doors({ role, keys = [KEY], secret = SECRET, watch = false, isHungUp = false }: Given = {}) {
  const stateDir = await aFolder();
  const path = join(stateDir, 'corral.yaml');
  await writeFile(path, 'version: 1\n');
  const { log, lines } = recordingLog();
  const shutdown = new Shutdown(log);
  shutdowns.push(shutdown);
  const reloads = new ScriptedReloads();
  const bindings = new BindingRegistry([]);
  const feed = new EventFeed(0);
  const store = await openStore({ stateDir, clock: systemClock, log });
  shutdown.add('store', () => store.close());
  const events = new OwnEvents({ store, feed, clock: systemClock, log, isBrokered: false });
  const metrics = createMetrics(ORCHESTRATORD_METRICS);
  const audited: AuditRecord[] = [];
  const audit = { record: (entry: AuditRecord) => Promise.resolve(void audited.push(entry)) };
  const config = { addr: '127.0.0.1:0', state_dir: stateDir, watch, reload_api_keys: [...keys], reload_hmac_secret: secret };
  const hangups = new Hangups();
  if (isHungUp) process.emit('SIGHUP');
  shutdown.add('hangups', () => hangups.close());
  const bus = { state: () => ({ mode: 'http', connected: true }) } as unknown as EventBus;
  const opened = openReloadDoors({ config, log, clock: systemClock, shutdown, metrics, audit, bus, events, nodes: { nodes: () => [] }, reloads, bindings, hangups, seen: null, served: () => ({ path, hash: 'h1', problem: null }) });
  const auth: Gate = () => {
    if (role === undefined) throw new Error('the gate of the daemon was asked');
    return { identity: 'test', principal: { orgId: 'default', role, keyId: null, identity: 'test' } } as unknown as AccessCaller;
  };
  const app = createHttpApp({
    log,
    auth,
    isOwnGate: isReloadPath,
    metricsText: () => {
      opened.meter();
      return metrics.exposition();
    },
    routes: (routes) => {
      routes.use(roleGuard(routes, audit));
      reloadRoutes(routes, opened.routes);
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log });
  shutdown.add('server', () => server.close(0));
  await opened.open(server);
  const post = async (headers: Record<string, string> = {}, body?: string) => {
    const response = await fetch(new URL('/admin/reload', server.url), { method: 'POST', headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers }, ...(body === undefined ? {} : { body }) });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const state = async () => JSON.parse(await readFile(join(stateDir, STATE_FILE), 'utf8')) as OrchestratorState;
  const get = async (at: string) => (await fetch(new URL(at, server.url))).text();
  return { server, stateDir, path, reloads, bindings, feed, lines, audited, post, state, get, shutdown };
}

const bearer = { authorization: `Bearer ${KEY}` };

describe('POST /admin/reload', () => {
  test('F-10 F-11 without a body the source is admin_api, and the answer has the groups', async () => {
    const { post, reloads } = await doors();
    const { status, json } = await post(bearer);
    expect([status, json, validator(ReloadSucceeded)(json).ok]).toEqual([
      200,
      {
        status: 'ok',
        source: 'admin_api',
        at: '2026-01-01T00:00:00.000Z',
        duration_ms: 12,
        steps: [{ step: 'validate', duration_ms: 2 }],
        summary: { added: ['route:new'], modified: ['route:chat'], removed: ['route:old'], unchanged: ['model:m'] },
        manifest_hash: 'h2',
        previous_hash: 'h1',
        notes: ['model m2 was loaded beside m'],
      },
      true,
    ]);
    expect(reloads.asked).toEqual([{ source: 'admin_api', path: null, correlationId: expect.any(String) }]);
  });

  test('F-11 G-47 a failure is 500 with its kind, step and lines, and in the form of every refusal', async () => {
    const { post, reloads } = await doors();
    reloads.next = ({ source }) => aReloadFailed({ source });
    const { status, json } = await post(bearer, '{"source":"cli"}');
    expect([status, json, validator(ReloadFailure)(json).ok]).toEqual([
      500,
      {
        status: 'error',
        source: 'cli',
        at: '2026-01-01T00:00:00.000Z',
        duration_ms: 3,
        steps: [{ step: 'validate', duration_ms: 3 }],
        error: 'line 3: routes.chat.model: no model "m" is defined; add it to models',
        error_kind: 'validation',
        step: 'validate',
        problems: [{ line: 3, field: 'routes.chat.model', message: 'no model "m" is defined; add it to models' }],
        code: 'RELOAD_FAILED',
        message: 'line 3: routes.chat.model: no model "m" is defined; add it to models',
        retriable: false,
      },
      true,
    ]);
  });

  test('F-09 G-45 who may not reload is 401 before the body is looked at, at home too, and nothing is reloaded', async () => {
    const { post, reloads } = await doors({ role: 'system_admin' });
    const signed = (body: string) => ({ authorization: signatureHeader({ method: 'POST', path: '/admin/reload', body: Buffer.from(body) }, SECRET, Date.now()) });
    const answers = [await post(), await post({ authorization: 'Bearer nope' }, '{'), await post({ ...bearer, 'x-api-key': 'nope' }), await post(signed('{"source":"cli"}'), 'no json at all')];
    expect(answers.map(({ status, json }) => [status, json['code']])).toEqual([[401, 'MISSING_TOKEN'], [401, 'BAD_TOKEN'], [401, 'BAD_TOKEN'], [401, 'BAD_TOKEN']]);
    expect((await post(signed('{"source":"cli"}'), '{"source":"cli"}')).status).toBe(200);
    expect((await post({}, `"${'x'.repeat(70_000)}"`)).status).toBe(413);
    expect(reloads.asked).toHaveLength(1);
  });

  test('G-45 with neither key nor secret the refusal names both variables and the other ways', async () => {
    const { post } = await doors({ keys: [], secret: '' });
    const { status, json } = await post(bearer);
    expect([status, json['hint']]).toEqual([401, expect.stringMatching(/ORCHESTRATOR_API_KEYS.*ORCHESTRATOR_HMAC_SECRET.*SIGHUP.*--watch/)]);
  });

  test('F-10 F-40 another manifest, an unknown source and an unknown field are 400 with the field, and nothing is reloaded', async () => {
    const { post, reloads, path } = await doors();
    const refused = [await post(bearer, '{"path":"/etc/other.yaml"}'), await post(bearer, '{"source":"cron"}'), await post(bearer, '{"manifest":"x"}'), await post(bearer, '{')];
    expect(refused.map(({ status, json }) => [status, json['field']])).toEqual([[400, 'path'], [400, 'source'], [400, 'manifest'], [400, undefined]]);
    expect(refused[0]?.json['message']).toContain(path);
    expect(reloads.asked).toEqual([]);
    const link = `${path}.link`;
    await symlink(path, link);
    expect([(await post(bearer, JSON.stringify({ path }))).status, (await post(bearer, JSON.stringify({ path: link }))).status]).toEqual([200, 200]);
  });

  test('B-114 F-41 every reload is in the audit with who asked, and a refused caller is not', async () => {
    const { post, reloads, audited } = await doors();
    await post();
    await post(bearer);
    reloads.next = () => aReloadFailed();
    await post(bearer);
    await post(bearer, '{"path":"/x"}');
    expect(audited.map(({ action, actor, outcome, detail }) => [action, actor, outcome, detail?.['code']])).toEqual([
      ['manifest.reload', expect.stringMatching(/^reload-key:[0-9a-f]{6}$/), 'granted', undefined],
      ['manifest.reload', expect.stringMatching(/^reload-key:/), 'failed', 'RELOAD_FAILED'],
      ['manifest.reload', expect.stringMatching(/^reload-key:/), 'failed', 'INVALID_PARAMS'],
    ]);
  });
});

describe('what is told of a reload', () => {
  test('E-13 F-21 F-46 each end is an event with its source, a line in the log and a count', async () => {
    const { post, reloads, feed, lines, get } = await doors();
    await post(bearer);
    reloads.next = ({ source }) => aReloadFailed({ source });
    await post(bearer, '{"source":"cli"}');
    const events = feed.after(0).map(({ event }) => event as EventEnvelope<'orchestrator.reload_succeeded'>);
    expect(events.map(({ type, source, data }) => [type, source, data.source])).toEqual([
      ['orchestrator.reload_succeeded', 'orchestratord', 'admin_api'],
      ['orchestrator.reload_failed', 'orchestratord', 'cli'],
    ]);
    expect(events[0]?.data).toMatchObject({ summary: { added: ['route:new'] }, manifest_hash: 'h2', previous_hash: 'h1', at: '2026-01-01T00:00:00.000Z' });
    expect(lines.filter(({ message }) => message.startsWith('manifest')).map(({ level, message }) => [level, message])).toEqual([
      ['info', 'manifest reloaded'],
      ['error', 'manifest not reloaded; the one before serves on'],
    ]);
    expect((await get('/metrics')).split('\n').filter((line) => line.startsWith('manifest_reloads_total'))).toEqual(['manifest_reloads_total{source="admin_api",outcome="succeeded"} 1', 'manifest_reloads_total{source="cli",outcome="failed"} 1']);
  });

  test('F-46 the series of a binding go on over its versions, also of those that are forgotten', async () => {
    const { bindings, get } = await doors();
    const series = async () => (await get('/metrics')).split('\n').filter((line) => line.startsWith('binding_') && line.includes('route:chat'));
    const running: RequestPin[] = [];
    for (let version = 1; version <= 5; version += 1) {
      const entries = [{ id: 'route:chat', kind: 'route', provider: 'manifest', handler: 'm', fingerprint: `f${version}` } as const];
      const plan = bindings.plan(entries);
      bindings.register(plan, entries);
      bindings.activate(plan);
      const pin = bindings.accept(['route:chat']);
      if (version > 1) pin.dispatched();
      running.push(pin);
    }
    expect(await series()).toContain('binding_in_flight{binding="route:chat"} 5');
    running.slice(0, 4).forEach((pin, n) => pin.ended(n === 0));
    expect(bindings.statuses().map(({ version, state }) => `${version} ${state}`)).toEqual(['3 terminated', '4 terminated', '5 active']);
    expect(await series()).toEqual([
      'binding_requests_total{binding="route:chat",event="received"} 5',
      'binding_requests_total{binding="route:chat",event="dispatched"} 4',
      'binding_requests_total{binding="route:chat",event="failed"} 1',
      'binding_in_flight{binding="route:chat"} 1',
      'binding_version{binding="route:chat"} 5',
    ]);
    bindings.activate(bindings.plan([]));
    running[4]?.ended(false);
    expect((await series()).filter((line) => !line.includes('requests_total'))).toEqual(['binding_in_flight{binding="route:chat"} 0']);
  });

  test('F-14 the state file says where it listens and what it serves, after every success, and in the end that it stopped', async () => {
    const { server, path, post, reloads, state, shutdown } = await doors();
    const first = await state();
    expect([first, validator(OrchestratorState)(first).ok]).toEqual([
      expect.objectContaining({ status: 'running', role: 'orchestratord', bind: `127.0.0.1:${server.port}`, listener_url: server.url, manifest_path: path, stopped_at: null, connectors: [{ id: 'bus', state: 'connected' }] }),
      true,
    ]);
    reloads.statuses = [aBinding({ version: 2 })];
    await post(bearer);
    const second = await state();
    expect([second.bindings.map(({ id, version }) => `${id}@${version}`), second.activations.map(({ source }) => source)]).toEqual([['route:chat@2'], ['admin_api', 'start']]);
    reloads.next = () => aReloadFailed();
    await post(bearer);
    expect(await state()).toEqual(second);
    await shutdown.run();
    expect(await state()).toMatchObject({ status: 'stopped', stopped_at: expect.any(String), started_at: first.started_at });
  });

  test('F-14 a state file that cannot be written costs neither the reload nor the service', async () => {
    const { post, lines, stateDir } = await doors();
    await rm(stateDir, { recursive: true });
    expect((await post(bearer)).status).toBe(200);
    expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(['state file not written; corral reload needs --admin-url']);
  });

  test('F-14 F-42 GET /v2/manifest shows bindings and the last reloads, to system admins', async () => {
    const { post, get } = await doors({ role: 'system_admin' });
    await post(bearer);
    const status = JSON.parse(await get('/v2/manifest')) as ManifestStatus;
    expect([validator(ManifestStatus)(status).ok, status.hash, status.bindings[0]?.id, status.reloads[0]?.status]).toEqual([true, 'h1', 'route:chat', 'ok']);
    expect(JSON.parse(await get('/v2/manifest?reloads=0'))).toEqual({ ...status, reloads: [] });
    expect(JSON.parse(await get('/v2/manifest?reloads=51'))).toMatchObject({ code: 'INVALID_PARAMS', field: 'reloads' });
    const other = await doors({ role: 'org_admin' });
    expect(JSON.parse(await other.get('/v2/manifest'))).toMatchObject({ code: 'ROLE_REQUIRED' });
  });
});

describe('the other ways', () => {
  test('F-02 F-43 SIGHUP reloads; a burst while one runs makes one more after it', async () => {
    const { reloads } = await doors();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    reloads.next = async ({ source }) => {
      await held;
      return aReloadFailed({ source });
    };
    for (let n = 0; n < 20; n += 1) process.emit('SIGHUP');
    await eventually('the first runs', 60_000, async () => reloads.asked.length === 1);
    release();
    await eventually('both ran', 60_000, async () => reloads.history().length === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(reloads.asked.map(({ source }) => source)).toEqual(['signal', 'signal']);
  });

  test('F-02 SIGHUP during the start is a reload once everything is there', async () => {
    const { reloads } = await doors({ isHungUp: true });
    await eventually('it is reloaded', 60_000, async () => reloads.asked.length === 1);
    expect(reloads.asked[0]?.source).toBe('signal');
  });

  test('F-15 with watch a changed file reloads, and without nothing watches', async () => {
    const watched = await doors({ watch: true });
    // What was read at start is another content than the one of now.
    await eventually('it is reloaded', 60_000, async () => watched.reloads.asked.length > 0);
    expect(watched.reloads.asked[0]?.source).toBe('file_watch');
    const plain = await doors();
    await writeFile(plain.path, 'version: 1\n# changed\n');
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(plain.reloads.asked).toEqual([]);
  });
});
