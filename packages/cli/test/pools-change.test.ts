import { afterEach, describe, expect, test } from '@jest/globals';
import { json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';
import { aPool, list } from './wire.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const serving = async (handlers: Readonly<Record<string, Handler>>) => (server = await startFakeServer(handlers));
const operation = (over: object = {}) => ({
  operation_id: 'op-1', kind: 'pool_drain', subject: { pool_id: 'p1' }, state: 'running', phase: 'draining', progress: null, detail: '1 requests run on 1 replicas', result: null, error: null,
  created_at: '2026-01-01T00:00:00.000Z', ended_at: null, ...over,
});
const POOLS = { 'GET /v2/pools': json(list(aPool({ pool_id: 'p1' }))) };

describe('corral drain', () => {
  test('C-263 it begins the drain of a pool and says what happens; with --wait it returns when that has ended', async () => {
    const { url, seen } = await serving({ ...POOLS, 'POST /v2/pools/p1/drain': json(operation(), 202), 'GET /v2/operations/op-1': json(operation({ state: 'succeeded' })) });
    expect(await runCorral(['drain', 'p1', '--deadline', '60s', '--url', url])).toMatchObject({ code: 0, out: 'p1 takes no more work; what runs there may end first (operation op-1)\n' });
    expect(seen.at(-1)).toMatchObject({ call: 'POST /v2/pools/p1/drain', body: { deadline_ms: 60_000 } });
    expect(await runCorral(['drain', 'p1', '--wait', '--url', url])).toMatchObject({ code: 0, out: 'p1 is drained; put it back with corral drain p1 --undo\n', err: expect.stringContaining('draining p1: 1 requests run') });
  });

  test('C-263 what is no pool is a node; --undo puts it back; a drain that fails is a failure with its reason', async () => {
    const gone = (_req: unknown, res: { writeHead(status: number): { end(): void } }): void => res.writeHead(204).end();
    const { url } = await serving({ ...POOLS, 'POST /v2/nodes/n1/drain': json(operation({ state: 'failed', error: { code: 'CONFLICT', message: 'the drain was undone', retriable: false } }), 202), 'DELETE /v2/nodes/n1/drain': gone as unknown as Handler });
    expect(await runCorral(['drain', 'n1', '--wait', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('the drain was undone') });
    expect(await runCorral(['drain', 'n1', '--undo', '--url', url])).toMatchObject({ code: 0, out: 'n1 is back in service\n' });
    expect(await runCorral(['drain', 'n1', '--deadline', 'soon', '--url', url])).toMatchObject({ code: 2, err: expect.stringContaining('is no duration') });
  });
});

describe('corral pools', () => {
  test('B-102 reload waits for its end and says what serves; --no-wait returns at once; --json prints the operation', async () => {
    const done = operation({ kind: 'pool_reload', state: 'succeeded', result: { model_id: 'b' } });
    const { url, seen } = await serving({ 'POST /v2/pools/p1/reload': json(operation({ kind: 'pool_reload' }), 202), 'GET /v2/operations/op-1': json(done) });
    expect(await runCorral(['pools', 'reload', 'p1', 'b', '--replica', 'r1', '--url', url])).toMatchObject({ code: 0, out: 'p1 serves b\n' });
    expect(seen[0]).toMatchObject({ call: 'POST /v2/pools/p1/reload', body: { new_model_ref: 'b', replica_id: 'r1' } });
    expect((await runCorral(['pools', 'reload', 'p1', 'b', '--no-wait', '--url', url])).out).toBe('reloading p1 to b (operation op-1)\n');
    expect(JSON.parse((await runCorral(['pools', 'reload', 'p1', 'b', '--json', '--url', url])).out)).toEqual(done);
  });

  test('B-103 purge sends what is to go, and a model in use is a refusal in the words of the server', async () => {
    const { url, seen } = await serving({ 'POST /v2/pools/p1/purge': refuse(409, { code: 'MODEL_IN_USE', message: 'model a is in use; unload it first', retriable: false }) });
    expect(await runCorral(['pools', 'purge', 'p1', '--models', 'a', 'b', '--caches', '--url', url])).toMatchObject({ code: 1, err: expect.stringContaining('unload it first') });
    expect(seen[0]?.body).toEqual({ purge_models: ['a', 'b'], purge_engine: false, delete_cache_dirs: true, force: false, drain_first: true });
  });

  test('C-263 preload names its models', async () => {
    const { url, seen } = await serving({ 'POST /v2/pools/p1/preload': json(operation({ state: 'succeeded' }), 202) });
    expect((await runCorral(['pools', 'preload', 'p1', 'a', 'b', '--url', url])).out).toBe('p1 is in service with a, b\n');
    expect(seen[0]?.body).toEqual({ models: ['a', 'b'] });
  });
});
