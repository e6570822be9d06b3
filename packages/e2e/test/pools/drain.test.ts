import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { completed, streamed } from '../faults/answers.js';
import { processesOf } from '../faults/processes.js';
import { residentPid, running, startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Tiny } from '../served.js';
import { begun, done, ended, healthOf, residentIn, untilPool } from './pool-calls.js';

/** Takes longer to write than any machine needs for a call. */
const MANY_TOKENS = 60_000;

let model: Tiny;
let system: System;
const url = (): string => system.corral.url;
const ask = (extra: object = {}) => ({ model: 'a', prompt: 'x', max_tokens: 4, temperature: 0, ...extra });
const undrained = async (): Promise<void> => {
  expect((await call(url(), 'DELETE', '/v2/pools/p1/drain')).status).toBe(204);
  await untilPool(url(), 'p1', 'ready again', ({ ready, draining }) => ready && !draining);
};

beforeAll(async () => {
  model = await tiny({ endless: true, contextTokens: 65_536 }, { context: 65_536, slots: 2 });
  system = await startSystem({ models: { a: model.model }, pools: [{ id: 'p1', node: 'local', device: 'cpu' }] });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await model.remove();
});

describe('drain of a pool', () => {
  test('T-102 C-44 what runs ends well, nothing begins, then the pool is neither live nor ready; undone, it serves again', async () => {
    await completed(url(), ask());
    const pid = await residentPid(system.corral, 'a');
    let operation: Awaited<ReturnType<typeof begun>> | undefined;
    let refused: Promise<number> | undefined;
    const seen = await streamed(url(), ask({ max_tokens: 300 }), async (chunks) => {
      if (chunks !== 5) return;
      operation = await begun(url(), '/v2/pools/p1/drain', { deadline_ms: 120_000 });
      refused = call(url(), 'POST', '/v1/completions', ask()).then(({ status }) => status);
    });
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true, chunks: 300 });
    expect(await refused).toBe(503);
    if (operation === undefined) throw new Error('nothing was begun');
    expect(await ended(url(), operation)).toMatchObject({ state: 'succeeded', kind: 'pool_drain', result: { pool_id: 'p1', cut: 0 } });
    expect(await untilPool(url(), 'p1', 'not live', ({ live }) => !live)).toMatchObject({ ready: false, draining: true, replicas: [], vram_total_bytes: expect.any(Number), metrics: { replicas_resident: 0 } });
    expect((await processesOf(system.corral)).engines).not.toContain(pid);
    await undrained();
    expect((await completed(url(), ask())).length).toBeGreaterThan(0);
  }, 600_000);

  test('T-103 C-44 a stream that outlives the deadline is cut with a typed error, and the engine is gone', async () => {
    await completed(url(), ask());
    const pid = await residentPid(system.corral, 'a');
    const stream = streamed(url(), ask({ max_tokens: MANY_TOKENS }));
    await running(system.corral);
    expect(await done(url(), '/v2/pools/p1/drain', { deadline_ms: 200 })).toMatchObject({ state: 'succeeded', result: { cut: 1 } });
    const seen = await stream;
    expect([seen.status, seen.isDone, ['SHUTTING_DOWN', 'WORKER_RESET'].includes(seen.errorCode ?? '')]).toEqual([200, false, true]);
    expect((await processesOf(system.corral)).engines).not.toContain(pid);
    await undrained();
  }, 600_000);

  test('C-263 a node is drained with all its pools, and put back with them; a preload ends a drain too', async () => {
    const { body } = await call(url(), 'GET', '/v2/nodes');
    const [node] = body['data'] as readonly { readonly node_id: string }[];
    expect(await done(url(), `/v2/nodes/${node?.node_id}/drain`, { deadline_ms: 1_000 })).toMatchObject({ kind: 'node_drain', state: 'succeeded' });
    await untilPool(url(), 'p1', 'drained', ({ live, draining }) => draining && !live);
    expect((await call(url(), 'DELETE', `/v2/nodes/${node?.node_id}/drain`)).status).toBe(204);
    await untilPool(url(), 'p1', 'ready', ({ ready }) => ready);
    await done(url(), '/v2/pools/p1/drain', { deadline_ms: 0 });
    expect(await done(url(), '/v2/pools/p1/preload', { models: ['a'] })).toMatchObject({ kind: 'pool_preload', state: 'succeeded' });
    expect(residentIn(await untilPool(url(), 'p1', 'ready', ({ ready }) => ready))).toEqual(['a']);
    expect(await call(url(), 'POST', '/v2/nodes/nowhere/drain')).toMatchObject({ status: 404 });
    expect(await call(url(), 'POST', '/v2/pools/p2/drain')).toMatchObject({ status: 404, body: { message: expect.stringContaining('did you mean p1') } });
  }, 600_000);

  test('T-247 C-44 kill -9 of the node during a drain: it comes back undrained, and the operation says that it is over', async () => {
    await completed(url(), ask());
    const stream = streamed(url(), ask({ max_tokens: MANY_TOKENS }));
    await running(system.corral);
    const operation = await begun(url(), '/v2/pools/p1/drain', { deadline_ms: 120_000 });
    await eventually('it drains', 120_000, async () => (await healthOf(url(), 'p1')).draining);
    process.kill((await processesOf(system.corral)).poolManagerd, 'SIGKILL');
    expect(await ended(url(), operation)).toMatchObject({ state: 'failed', error: { code: 'NODE_UNAVAILABLE' } });
    expect((await stream).isDone).toBe(false);
    await untilPool(url(), 'p1', 'ready', ({ ready, draining }) => ready && !draining);
    expect((await completed(url(), ask())).length).toBeGreaterThan(0);
  }, 600_000);

  test('C-263 what was done is in the audit', async () => {
    const { body } = await call(url(), 'GET', '/api/admin/audit?limit=200');
    const actions = (body['data'] as readonly { readonly action: string; readonly outcome: string }[]).map(({ action, outcome }) => `${action} ${outcome}`);
    expect(actions).toEqual(expect.arrayContaining(['pool.drain granted', 'pool.undrain granted', 'node.drain granted', 'pool.preload granted']));
  });
});
