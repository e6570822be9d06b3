import { once } from 'node:events';
import { createConnection } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { tiny, type Tiny } from '../served.js';
import { asked, corralCli, KEYS, SECRET, signed, startReloadable, type Reloadable } from './reloadable.js';

const LONG = 600_000;

let models: readonly Tiny[] = [];
let served: Reloadable;
/** The manifest that is served now. */
let manifest: { version: 1; models: Record<string, object>; routes: Record<string, object>; pools?: object[] };

beforeAll(async () => {
  models = [await tiny(), await tiny({ seed: 2 })];
  manifest = { version: 1, models: { one: models[0]?.model ?? {}, two: models[1]?.model ?? {} }, routes: { chat: { model: 'one' }, old: { model: 'one' }, same: { model: 'two' } } };
  served = await startReloadable({ manifest });
}, LONG);

afterAll(async () => {
  await served?.stop();
  for (const model of models) await model.remove();
}, LONG);

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
const versions = async () => Object.fromEntries((await served.status()).bindings.filter(({ state }) => state === 'active').map(({ id, version }) => [id, version]));

test('T-125 F-14 the state file of a fresh server has every binding in its first version and the URL where it listens', async () => {
  const state = await served.state();
  expect(state).toMatchObject({ status: 'running', role: 'orchestratord', listener_url: served.url, manifest_path: served.manifestPath, state_dir: served.corral.stateDir, stopped_at: null, pid: served.corral.ready.pids.orchestratord });
  expect(state.bindings.map(({ id, version, state: at }) => `${id}@${version} ${at}`).toSorted()).toEqual(['model:one@1 active', 'model:two@1 active', 'route:chat@1 active', 'route:old@1 active', 'route:same@1 active']);
});

test('T-115 T-125 F-03 F-11 F-23 what was added, changed and removed is in its group, the rest unchanged, and the state file follows', async () => {
  expect(await asked(served.url, 'chat')).toEqual({ status: 200, route: 'chat@1' });
  const { old: _old, ...kept } = manifest.routes;
  manifest = { ...manifest, routes: { ...kept, chat: { model: 'two' }, fresh: { model: 'one' } } };
  const done = await served.serve(manifest);
  expect([done.status, done.source, done.summary]).toEqual(['ok', 'admin_api', { added: ['route:fresh'], modified: ['route:chat'], removed: ['route:old'], unchanged: ['model:one', 'model:two', 'route:same'] }]);
  expect(done.manifest_hash).not.toBe(done.previous_hash);
  expect([await asked(served.url, 'chat'), await asked(served.url, 'fresh'), await asked(served.url, 'old')]).toEqual([
    { status: 200, route: 'chat@2' },
    { status: 200, route: 'fresh@1' },
    { status: 404, route: null },
  ]);
  const state = await served.state();
  expect([state.listener_url, state.manifest_hash, state.activations.map(({ source }) => source)]).toEqual([served.url, done.manifest_hash, ['admin_api', 'start']]);
  expect(state.bindings.filter(({ state: at }) => at === 'active').map(({ id, version }) => `${id}@${version}`).toSorted()).toEqual(['model:one@1', 'model:two@1', 'route:chat@2', 'route:fresh@1', 'route:same@1']);
}, LONG);

test('T-126 F-17 comments, another order of keys and another spelling change nothing', async () => {
  const before = await versions();
  const { models: m, routes, version } = manifest;
  await served.write(`# a comment\n${JSON.stringify({ routes: Object.fromEntries(Object.entries(routes).reverse()), models: m, version }, null, 3)}\n# the end\n`);
  const { status, body } = await served.reload();
  expect([status, body.summary.added, body.summary.modified, body.summary.removed, body.summary.unchanged.length]).toEqual([200, [], [], [], 5]);
  expect([await versions(), body.manifest_hash]).toEqual([before, body.previous_hash]);
});

test('T-116 F-04 a broken manifest is refused with its line, and everything is as before', async () => {
  const before = await versions();
  await served.write('version: 1\nmodels: {}\nroutes:\n  chat: { model: one }\n');
  const { status, body } = await served.reload();
  expect([status, body.status, body.source, body.error_kind, body.code]).toEqual([500, 'error', 'admin_api', 'validation', 'RELOAD_FAILED']);
  expect(body.problems).toEqual([{ line: 4, field: 'routes.chat.model', message: 'no model "one" is defined; add it to models' }]);
  expect([await versions(), await asked(served.url, 'chat'), await asked(served.url, 'fresh')]).toEqual([before, { status: 200, route: 'chat@2' }, { status: 200, route: 'fresh@1' }]);
});

test('T-127 F-04 a pool of a required node that cannot be reached fails the reload, and routes and versions are intact', async () => {
  const before = await versions();
  const pools = [{ id: 'far', node: 'not-there', device: 'cpu', required: true }];
  await served.write({ ...manifest, routes: { ...manifest.routes, more: { model: 'one' } }, pools });
  const { status, body } = await served.reload();
  expect([status, body.error_kind]).toEqual([500, 'activation']);
  expect(body.error).toContain('not-there');
  expect([await versions(), await asked(served.url, 'chat'), await asked(served.url, 'more')]).toEqual([before, { status: 200, route: 'chat@2' }, { status: 404, route: null }]);
});

test('T-119 F-06 F-07 a signed request is served; a changed body, path or time and another secret are 401', async () => {
  await served.write(manifest);
  const body = '{"source":"cli"}';
  const good = await served.post(signed({ body }), body);
  expect([good.status, good.body.source]).toEqual([200, 'cli']);
  const minutes = 60_000;
  const wrong = [signed({ body: '{"source":"signal"}' }), signed({ body, path: '/admin/reloads' }), signed({ body, atMs: Date.now() - 6 * minutes }), signed({ body, atMs: Date.now() + 6 * minutes }), signed({ body, secret: 'another' }), { authorization: signed({ body }).authorization.replace('HMAC', 'hmac') }];
  for (const headers of wrong) expect((await served.post(headers, body)).status).toBe(401);
  expect((await served.post(signed({ body: '{' }), 'not what was signed')).status).toBe(401);
});

test('T-120 F-08 F-09 the second key works; an unknown one, none, and a wrong X-API-Key beside a good bearer are 401', async () => {
  const calls: readonly Readonly<Record<string, string>>[] = [bearer(KEYS[1]), { 'x-api-key': KEYS[1] }, bearer('unknown'), {}, { ...bearer(KEYS[0]), 'x-api-key': 'unknown' }];
  expect(await Promise.all(calls.map(async (headers) => (await served.post(headers)).status))).toEqual([200, 200, 401, 401, 401]);
});

test('T-121 F-02 SIGHUP applies the new manifest in the same process, and an open connection stays open', async () => {
  const { hostname, port } = new URL(served.url);
  const socket = createConnection({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  let isClosed = false;
  socket.on('close', () => (isClosed = true));
  manifest = { ...manifest, routes: { ...manifest.routes, hung: { model: 'one' } } };
  await served.write(manifest);
  const pid = served.corral.ready.pids.orchestratord;
  served.corral.kill('SIGHUP');
  await eventually('the route answers', 120_000, async () => (await asked(served.url, 'hung')).status === 200);
  expect([(await served.state()).pid, isClosed]).toEqual([pid, false]);
  await eventually('it is told', 120_000, async () => (await served.status()).reloads[0]?.source === 'signal');
  expect((await served.status()).reloads[0]).toMatchObject({ status: 'ok', source: 'signal', summary: { added: ['route:hung'] } });
  socket.destroy();
}, LONG);

test('T-122 F-12 F-13 the command finds the server by its state directory, by key and by signature, and says what changed', async () => {
  const at = ['reload', '--config', served.manifestPath, '--state-dir', served.corral.stateDir];
  manifest = { ...manifest, routes: { ...manifest.routes, hung: { model: 'two' }, byCli: { model: 'one' } } };
  await served.write(manifest);
  expect(await corralCli(['reload', '--state-dir', served.corral.stateDir], { ORCHESTRATOR_API_KEYS: KEYS[0] })).toEqual({ code: 0, out: expect.stringMatching(/^reload ok via cli \(\+1 ~1 -0\)\n/), err: '' });
  expect(await corralCli(at, { ORCHESTRATOR_HMAC_SECRET: SECRET })).toMatchObject({ code: 0, out: expect.stringMatching(/^reload ok via cli \(\+0 ~0 -0\)\n/) });
  expect(JSON.parse((await corralCli([...at, '--json'], { ORCHESTRATOR_API_KEYS: KEYS[0] })).out)).toMatchObject({ status: 'ok', source: 'cli' });
  const none = await corralCli(at, {});
  expect([none.code, none.err]).toEqual([4, expect.stringMatching(/ORCHESTRATOR_API_KEYS.*ORCHESTRATOR_HMAC_SECRET/s)]);
  const other = await corralCli(['reload', '--config', '/etc/other.yaml', '--admin-url', served.url], { ORCHESTRATOR_API_KEYS: KEYS[0] });
  expect([other.code, other.err]).toEqual([1, expect.stringContaining(served.manifestPath)]);
  await served.write('version: 1\nroutes:\n  a: { model: nothing }\n');
  expect(await corralCli(at, { ORCHESTRATOR_API_KEYS: KEYS[0] })).toEqual({ code: 1, out: 'reload error via cli (+0 ~0 -0)\n', err: expect.stringMatching(/^ {2}line 3: routes\.a\.model: no model "nothing" is defined/) });
}, LONG);

test('T-124 E-13 F-21 every success and every failure was an event with its source, its hashes and its reason', async () => {
  const reloads = (await served.status()).reloads;
  const news = await served.news(reloads.length);
  expect(news.map(({ type, data }) => [type, data.source]).reverse()).toEqual(reloads.map(({ status, source }) => [status === 'ok' ? 'orchestrator.reload_succeeded' : 'orchestrator.reload_failed', source]));
  expect(news.some(({ type }) => type === 'orchestrator.reload_failed')).toBe(true);
  const failed = news.findLast(({ type }) => type === 'orchestrator.reload_failed');
  expect(failed?.data).toMatchObject({ source: 'cli', error: expect.stringContaining('nothing'), at: expect.any(String), error_kind: 'validation' });
  const done = news.find(({ type }) => type === 'orchestrator.reload_succeeded');
  expect(done?.data).toMatchObject({ source: 'admin_api', summary: { added: ['route:fresh'] }, manifest_hash: expect.any(String), previous_hash: expect.any(String) });
  const counted = (await (await fetch(new URL('/metrics', served.url))).text()).split('\n').filter((line) => line.startsWith('manifest_reloads_total{'));
  expect(counted.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0)).toBe(reloads.length);
});

test('T-249 F-25 every bad manifest is refused with the line and the next step, and nothing of it is served', async () => {
  const model = JSON.stringify(models[0]?.model);
  const bad: readonly (readonly [string, number, RegExp])[] = [
    ['version: 1\nmodels:\n  one: { source: [\n', 4, /correct it there/],
    ['version: 1\nmodels:\n\tone: 1\n', 3, /use spaces/],
    [`version: 1\nmodels:\n  one: ${model}\n  one: ${model}\n`, 4, /give each its own name/],
    [`version: 1\nmodels:\n  one: ${model}\ninstances:\n  - { id: a, model: one }\n  - { id: a, model: one }\n`, 6, /give each its own id/],
    [`version: 1\nmodels:\n  one: ${model}\nroutes:\n  a:\n    model: one\n    colour: red\n`, 7, /known are model, tier/],
    [`version: 1\nmodels: &all\n  one: ${model}\n  two: *all\n`, 4, /write the value out/],
    [`version: 1\nmodels:\n  one: ${model}\nroutes:\n  a: { model: b }\n  b: { model: a }\n`, 5, /name the model of that route/],
    [`version: 1\nmodels:\n  one: ${model}\nroutes:\n  a: { model: onne }\n`, 5, /did you mean one\?/],
  ];
  const before = await versions();
  for (const [text, line, next] of bad) {
    await served.write(text);
    const { status, body } = await served.reload();
    expect([status, body.error_kind, body.problems[0]]).toEqual([500, 'validation', { line, field: expect.any(String), message: expect.stringMatching(next) }]);
    expect(body.error).toContain(`line ${line}`);
  }
  expect(await versions()).toEqual(before);
  await served.write(manifest);
  expect((await served.reload()).status).toBe(200);
}, LONG);
