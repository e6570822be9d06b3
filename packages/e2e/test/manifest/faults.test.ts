import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { call, ONE_THREAD, tiny, type Tiny } from '../served.js';

const KEY = 'reload-key-of-this-test';
const tinies: Tiny[] = [];
const running: Corral[] = [];

afterEach(async () => {
  for (const corral of running.splice(0)) await corral.stop();
  for (const one of tinies.splice(0)) await one.remove();
});

async function aTiny(extra: object = {}): Promise<object> {
  const one = await tiny({ mode: 'chain' }, extra);
  tinies.push(one);
  return one.model;
}

async function start(manifest: object): Promise<Corral> {
  const corral = await startCorral({ manifest, env: { ...ONE_THREAD, IDLE_WORKERS: '0', ORCHESTRATOR_API_KEYS: KEY } });
  running.push(corral);
  return corral;
}

interface Reload {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** Writes another manifest in the place of the served one, as an editor that renames does, and asks for it. */
async function reload(corral: Corral, manifest: object | string): Promise<Reload> {
  await write(corral, manifest);
  const { status, body } = await call(corral.url, 'POST', '/admin/reload', undefined, KEY);
  return { status, body };
}

async function write({ stateDir }: Corral, manifest: object | string): Promise<void> {
  const path = join(stateDir, 'corral.manifest.json');
  await writeFile(`${path}.new`, typeof manifest === 'string' ? manifest : JSON.stringify(manifest));
  await rename(`${path}.new`, path);
}

const complete = (corral: Corral, model: string, maxTokens = 4) => call(corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: maxTokens, temperature: 0 });

describe('a manifest that cannot be taken up', () => {
  test('T-116 T-127 F-04 each fault leaves routes and versions as they were, and says why', async () => {
    const m = await aTiny();
    const good = { version: 1, models: { m }, routes: { chat: { model: 'm' } } };
    const corral = await start(good);
    expect((await complete(corral, 'chat')).status).toBe(200);
    const before = await bindingsOf(corral);

    const faults: readonly (readonly [string, object | string, string, string])[] = [
      ['broken YAML', 'models: [', 'validation', 'validate'],
      ['a route to a route', { ...good, routes: { chat: { model: 'm' }, other: { model: 'chat' } } }, 'validation', 'validate'],
      ['a pin to no pool', { ...good, routes: { chat: { model: 'm', placement: { mode: 'pin', pin_pool_id: 'nowhere' } } } }, 'validation', 'resolve'],
      ['a required pool of a node that is not there', { ...good, pools: [{ id: 'far', node: 'gone', device: 'cpu', required: true }] }, 'activation', 'prepare'],
      ['a model that cannot be loaded', { ...good, models: { m: { ...m, source: 'file:/nowhere/at-all.gguf' } } }, 'activation', 'prepare'],
    ];
    for (const [what, manifest, kind, step] of faults) {
      const { status, body } = await reload(corral, manifest);
      expect([what, status, body['error_kind'], body['step']]).toEqual([what, 500, kind, step]);
      const answer = await complete(corral, 'chat');
      expect([what, answer.status, answer.headers.get('x-corral-route')]).toEqual([what, 200, 'chat@1']);
      expect(identities(await bindingsOf(corral))).toEqual(identities(before));
    }
    expect(JSON.parse(JSON.parse(await readFile(join(corral.stateDir, 'manifest.last-good.json'), 'utf8')).text)).toEqual(good);
  }, 600_000);
});

/** Of the control plane that runs now. */
async function pidOf({ pid }: Corral): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ').map(Number);
  for (const child of children) if ((await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => '')).includes('orchestratord')) return child;
  return 0;
}

interface Binding {
  readonly id: string;
  readonly version: number;
  readonly state: string;
  readonly in_flight: number;
}

async function bindingsOf({ stateDir, url }: Corral): Promise<readonly Binding[]> {
  const token = (await readFile(join(stateDir, 'operator-token'), 'utf8')).trim();
  return (await call(url, 'GET', '/v2/manifest', undefined, token)).body['bindings'] as readonly Binding[];
}

function identities(bindings: readonly Binding[]): readonly string[] {
  return bindings.filter(({ state }) => state !== 'terminated').map(({ id, version, state }) => `${id}@${version} ${state}`);
}

/** A stream that is open: its route, and its end. */
async function openStream(corral: Corral, model: string, maxTokens: number) {
  const response = await fetch(new URL('/v1/completions', corral.url), { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model, prompt: 'a', max_tokens: maxTokens, temperature: 0, stream: true }) });
  return { status: response.status, route: response.headers.get('x-corral-route'), text: response.text() };
}

async function versionsOf(corral: Corral, id: string): Promise<readonly string[]> {
  return (await bindingsOf(corral)).filter((binding) => binding.id === id).map(({ version, state, in_flight }) => `${version} ${state} ${in_flight}`);
}

describe('a changed manifest', () => {
  test('T-117 T-118 F-05 F-22 a stream ends on the version that accepted it, though its route is changed or gone', async () => {
    const m = await aTiny({ slots: 4, context: 2_048 });
    const corral = await start({ version: 1, models: { m }, routes: { chat: { model: 'm' }, gone: { model: 'm' } } });
    expect((await complete(corral, 'chat')).status).toBe(200);
    const [kept, removed] = await Promise.all([openStream(corral, 'chat', 1_500), openStream(corral, 'gone', 1_500)]);
    expect([kept.status, kept.route, removed.status, removed.route]).toEqual([200, 'chat@1', 200, 'gone@1']);
    expect((await reload(corral, { version: 1, models: { m: { ...m, slots: 5 } }, routes: { chat: { model: 'm', priority: 'batch' } } })).status).toBe(200);
    expect((await complete(corral, 'gone')).status).toBe(404);
    const answer = await complete(corral, 'chat');
    expect([answer.status, answer.headers.get('x-corral-route')]).toEqual([200, 'chat@2']);
    for (const text of await Promise.all([kept.text, removed.text])) expect([text.includes('"error"'), text.endsWith('data: [DONE]\n\n')]).toEqual([false, true]);
    await eventually('the old versions have ended', 120_000, async () => {
      const versions = [await versionsOf(corral, 'route:chat'), await versionsOf(corral, 'route:gone'), await versionsOf(corral, 'model:m')];
      return JSON.stringify(versions) === JSON.stringify([['1 terminated 0', '2 active 0'], ['1 terminated 0'], ['1 terminated 0', '2 active 0']]);
    });
  }, 600_000);

  test('T-115 T-117 F-05 F-31 what changes has another version, what runs keeps its own, and the old replica goes', async () => {
    const m = await aTiny({ slots: 2 });
    const corral = await start({ version: 1, models: { m }, routes: { chat: { model: 'm' }, gone: { model: 'm' } } });
    expect((await complete(corral, 'chat')).status).toBe(200);
    const { status, body } = await reload(corral, { version: 1, models: { m: { ...m, slots: 3 } }, routes: { chat: { model: 'm', priority: 'batch' }, fresh: { model: 'm' } } });
    expect([status, body['summary']]).toEqual([200, { added: ['route:fresh'], modified: ['model:m', 'route:chat'], removed: ['route:gone'], unchanged: [] }]);
    expect((await complete(corral, 'gone')).status).toBe(404);
    for (const [model, route] of [['chat', 'chat@2'], ['fresh', 'fresh@1']] as const) {
      const answer = await complete(corral, model);
      expect([answer.status, answer.headers.get('x-corral-route')]).toEqual([200, route]);
    }
    await eventually('the old replica has gone', 120_000, async () => {
      const pools = (await call(corral.url, 'GET', '/v2/pools')).body['data'] as readonly { readonly replicas: readonly { readonly slots_total: number; readonly state: string }[] }[];
      const slots = pools.flatMap(({ replicas }) => replicas).filter(({ state }) => state !== 'parked').map(({ slots_total }) => slots_total);
      return slots.length === 1 && slots[0] === 3;
    });
  }, 600_000);
});

describe('a daemon that is killed', () => {
  test('F-34 kill -9 at any moment of a reload: what starts again serves the old or the new manifest as a whole', async () => {
    const m = await aTiny();
    const manifestOf = (n: number) => ({ version: 1, models: { m }, routes: Object.fromEntries([...Array(20).keys()].map((i) => [`r${n}-${i}`, { model: 'm' }])), instances: [{ id: `bot-${n}`, model: 'm' }] });
    const corral = await start(manifestOf(0));
    for (let n = 1; n <= 6; n += 1) {
      await write(corral, manifestOf(n));
      const pid = await pidOf(corral);
      process.kill(pid, 'SIGHUP');
      await new Promise((resolve) => setTimeout(resolve, n * 7));
      process.kill(pid, 'SIGKILL');
      const names = await eventually('it serves again', 120_000, async () => {
        if ((await pidOf(corral)) === pid) return false;
        const answer = await call(corral.url, 'GET', '/v1/models').catch(() => undefined);
        return answer?.status === 200 && (answer.body['data'] as readonly { readonly id: string }[]).map(({ id }) => id);
      });
      const served = [n - 1, n].filter((one) => names.includes(`r${one}-0`));
      expect(served).toHaveLength(1);
      expect(names.toSorted()).toEqual([...Object.keys(manifestOf(served[0] ?? 0).routes), `bot-${served[0]}`, 'm'].sort());
      expect(identities(await bindingsOf(corral)).map((one) => one.split('@')[0]).toSorted()).toEqual([...names.filter((name) => name.startsWith('r')).map((name) => `route:${name}`), `instance:default/bot-${served[0]}`, 'model:m'].sort());
    }
  }, 600_000);
});
