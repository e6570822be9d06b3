import { afterEach, describe, expect, test } from '@jest/globals';
import { empty, json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';
import { aModel, list } from './wire.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const serving = async (handlers: Readonly<Record<string, Handler>>) => (server = await startFakeServer(handlers));
const ID = 'hf:org/repo/m.gguf';
const ONE = `/v2/catalog/models/${encodeURIComponent(ID)}`;
const model = aModel({ id: ID });
const operation = (over: object = {}) => ({ operation_id: 'op-1', kind: 'model_pull', subject: {}, state: 'running', phase: 'downloading', progress: 0.5, detail: null, result: null, error: null, created_at: '2026-01-01T00:00:00Z', ended_at: null, ...over });
const pulled = { model_id: ID, nodes: [{ node_id: 'home', digest: null, size_bytes: 98_362_432, error: null }] };
const CALLS = { 'POST /v2/catalog/models': json(model, 201), [`POST ${ONE}/pull`]: json(operation(), 202), [`GET ${ONE}`]: json(model) };
const run = (url: string, ...argv: readonly string[]) => runCorral([...argv, '--url', url]);

describe('corral models', () => {
  test('A-160 show prints what the model will need of each pool', async () => {
    const { url } = await serving(CALLS);
    const { code, out } = await run(url, 'models', 'show', ID);
    expect([code, out]).toEqual([0, expect.stringMatching(/^hf:org\/repo\/m\.gguf\n.*POOL +IT +WEIGHTS +PER TOKEN +IN ALL +LARGEST CONTEXT +WHY\ncpu +fits +100 MiB +22\.5 KiB +150 MiB +8192 +needs 150 MiB/s)]);
    expect(JSON.parse((await run(url, 'models', 'show', ID, '--json')).out)).toEqual(model);
  });

  test('A-162 add registers under the reference, pulls with progress, and ends when the model can be served', async () => {
    const { url, seen } = await serving({ ...CALLS, 'GET /v2/operations/op-1': json(operation({ state: 'succeeded', result: pulled })) });
    expect(await run(url, 'models', 'add', ID, '--context', '1024', '--tag', 'a', 'b')).toEqual({ code: 0, out: `${ID} can be served: send "model": "${ID}"\n`, err: `pulling ${ID}: downloading, 50 %\n` });
    expect(seen[0]?.body).toEqual({ id: ID, ref: ID, tags: ['a', 'b'], context: 1_024 });
  });

  test('A-162 add takes a path from where it was typed, an id where one is given, and leaves the pull where it is told to', async () => {
    const { url, seen } = await serving(CALLS);
    expect((await run(url, 'models', 'add', 'm.gguf', '--id', 'tiny', '--no-pull')).code).toBe(0);
    expect(seen.map(({ call, body }) => [call, body])).toEqual([['POST /v2/catalog/models', { id: 'tiny', ref: 'file:/srv/m.gguf' }]]);
  });

  test('A-162 add fails with the reason of the pull, and where the model fits nowhere', async () => {
    const refused = { code: 'MODEL_NOT_AVAILABLE', message: 'FETCH_ALLOW does not list hf; add it', retriable: true };
    const one = await serving({ ...CALLS, 'GET /v2/operations/op-1': json(operation({ state: 'failed', error: refused })) });
    expect(await run(one.url, 'models', 'add', ID)).toMatchObject({ code: 1, out: '', err: expect.stringContaining('FETCH_ALLOW does not list hf') });
    await one.close();
    const large = aModel({ id: ID, forecast: aModel().forecast.map((pool) => ({ ...pool, fits: false, reason: 'needs 2 GiB of 1 GiB' })) });
    const { url } = await serving({ ...CALLS, [`GET ${ONE}`]: json(large), 'GET /v2/operations/op-1': json(operation({ state: 'succeeded', result: pulled })) });
    expect(await run(url, 'models', 'add', ID)).toMatchObject({ code: 1, err: expect.stringContaining('smaller --context') });
  });

  test('B-31 B-45 pin, unpin, retire, activate and rm are one call each', async () => {
    const { url, seen } = await serving({ ...CALLS, [`PUT ${ONE}/pin`]: json(model), [`DELETE ${ONE}/pin`]: empty, [`PATCH ${ONE}/state`]: json(model), [`DELETE ${ONE}?purge=true&wait=false`]: json(operation({ state: 'succeeded', result: { model_id: ID, nodes: [{ node_id: 'home', outcome: 'purged', reason: null }] } }), 202) });
    const out = [];
    for (const argv of [['pin'], ['unpin'], ['retire', '--deadline', '1.5'], ['activate'], ['rm']]) out.push((await run(url, 'models', argv[0] ?? '', ID, ...argv.slice(1))).out);
    expect(out).toEqual([`${ID} is pinned\n`, `${ID} is not pinned\n`, `${ID} is retired; what still runs after 1.5 s is cut\n`, `${ID} is active\n`, `${ID} on home: purged\n${ID} is removed\n`]);
    expect(seen.flatMap(({ call, body }) => (call.startsWith('PATCH') ? [body] : []))).toEqual([{ state: 'Retired', deadline_ms: 1_500 }, { state: 'Active' }]);
  });

  test('B-92 verify prints what each node found, and fails where one file is wrong', async () => {
    const verified = (result: string) => ({ model_id: ID, result, reason: 'r', last_verified_ms: 0, nodes: [{ node_id: 'home', result, reason: 'the digest differs', digest: null }] });
    const { url } = await serving({ [`POST ${ONE}/verify`]: json(operation({ state: 'succeeded', result: verified('fail') }), 202) });
    expect(await run(url, 'models', 'verify', ID)).toEqual({ code: 1, out: `${ID} on home: fail, the digest differs\n`, err: '' });
  });

  test('B-27 ls with a filter shows what the catalog lets through', async () => {
    const { url } = await serving({ 'GET /v1/models': json({ object: 'list', data: [] }), 'GET /v2/nodes': json(list()), 'GET /v2/pools': json(list()), 'GET /v2/catalog/models?state=Retired&limit=1000': json({ ...list(aModel({ id: 'old', state: 'Retired' })), total: 1, catalog_version: 1 }) });
    expect((await run(url, 'models', 'ls', '--state', 'Retired')).out).toMatch(/^MODEL +STATE +SIZE .*\nold +Retired +93\.8 MiB/);
  });

  test('G-09 what the server refuses is shown in its words', async () => {
    const { url } = await serving({ [`DELETE ${ONE}?purge=true&wait=false`]: refuse(409, { code: 'MODEL_IN_USE', message: 'it is pinned; unpin it first', retriable: false }) });
    expect(await run(url, 'models', 'rm', ID)).toMatchObject({ code: 1, err: expect.stringContaining('unpin it first') });
  });

  test('G-09 rm says what became of the model on each node, also where one keeps it', async () => {
    const nodes = [{ node_id: 'left', outcome: 'purged', reason: null }, { node_id: 'right', outcome: 'kept', reason: 'it is being fetched' }];
    const failed = operation({ kind: 'model_purge', state: 'failed', result: { model_id: ID, nodes }, error: { code: 'MODEL_IN_USE', message: 'node right keeps it', retriable: false } });
    const { url } = await serving({ [`DELETE ${ONE}?purge=true&wait=false`]: json(failed, 202) });
    expect(await run(url, 'models', 'rm', ID)).toMatchObject({ code: 1, out: `${ID} on left: purged\n${ID} on right: kept, it is being fetched\n`, err: expect.stringContaining('node right keeps it') });
    const told = await run(url, 'models', 'rm', ID, '--json');
    expect([told.code, JSON.parse(told.out)]).toEqual([1, { id: ID, removed: false, nodes }]);
  });

  test.each([
    [['models', 'retire', 'x', '--deadline', 'soon'], /--deadline soon/],
    [['models', 'add', 'x', '--slots', '0'], /--slots 0/],
    [['models', 'pull', 'x', '--all', '--node', 'n1'], /exclude each other/],
    [['models', 'ls', '--state', 'Draft'], /Active, Retired/],
  ])('%j is wrong use', async (argv, said) => {
    expect(await runCorral(argv)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(said) });
  });
});
