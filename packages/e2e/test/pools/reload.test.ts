import { writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { completed, streamed } from '../faults/answers.js';
import { processesOf } from '../faults/processes.js';
import { running, startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Tiny } from '../served.js';
import { begun, done, ended, healthOf, metric, residentIn, untilPool } from './pool-calls.js';

/** Takes seconds to write, so that a call comes meanwhile. */
const MANY_TOKENS = 15_000;

let models: readonly Tiny[];
let system: System;
const url = (): string => system.corral.url;
const ask = (model: string, extra: object = {}) => ({ model, prompt: 'x', max_tokens: 4, temperature: 0, ...extra });
const reload = (model: string, extra: object = {}) => done(url(), '/v2/pools/p1/reload', { new_model_ref: model, ...extra });
const reloads = (outcome: string) => metric(system.corral.poolUrl, 'pool_reload_total', { pool_id: 'p1', outcome });

beforeAll(async () => {
  models = [await tiny({ endless: true, contextTokens: 16_384 }, { context: 16_384 }), await tiny({ seed: 2 }), await tiny({ seed: 3 })];
  const [a, b, broken] = models as [Tiny, Tiny, Tiny];
  await writeFile(broken.path, 'this is no model');
  // One place: whatever comes has to wait until what is there has left.
  system = await startSystem({ models: { a: a.model, b: b.model, broken: broken.model }, pools: [{ id: 'p1', node: 'local', device: 'cpu' }], env: { CPU_POOL_REPLICAS: '1' } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

describe('reload of a pool, where only one model fits', () => {
  test('T-105 C-43 C-262 the new model serves under the same pool and device, and stays', async () => {
    await completed(url(), ask('a'));
    const before = await untilPool(url(), 'p1', 'a is resident', (pool) => residentIn(pool).join() === 'a');
    const operation = await reload('b');
    expect(operation).toMatchObject({ kind: 'pool_reload', state: 'succeeded', result: { model_id: 'b', previous_model_id: 'a', mode: 'drained_first' } });
    const after = await healthOf(url(), 'p1');
    expect([after.pool_id, after.device_mask, after.model_id, after.ready, residentIn(after)]).toEqual([before.pool_id, before.device_mask, 'b', true, ['b']]);
    expect(await reloads('succeeded')).toBe(1);
    // What is wanted agrees: nothing brings the old one back by itself.
    await untilPool(url(), 'p1', 'the control plane has taken it over', ({ changes }) => changes === undefined);
    expect((await completed(url(), ask('b'))).length).toBeGreaterThan(0);
    expect(residentIn(await healthOf(url(), 'p1'))).toEqual(['b']);
  }, 600_000);

  test('T-104 C-40 G-11 a model that cannot be loaded: the old one serves as before, and call, pool and metric say so', async () => {
    await reload('b');
    const failures = await reloads('failed');
    const answer = await call(url(), 'POST', '/v2/pools/p1/reload?wait=true', { new_model_ref: 'broken' });
    expect(answer).toMatchObject({ status: 409, body: { code: 'CONFLICT', message: expect.stringContaining('broken') } });
    expect((await completed(url(), ask('b'))).length).toBeGreaterThan(0);
    expect(await untilPool(url(), 'p1', 'it says why', ({ last_error }) => last_error !== null)).toMatchObject({ ready: true, live: true, model_id: 'b', last_error: expect.stringContaining('broken') });
    expect(await reloads('failed')).toBe(failures + 1);
  }, 600_000);

  test('C-42 a reload to what is loaded loads nothing', async () => {
    await reload('b');
    const [replica] = (await healthOf(url(), 'p1')).replicas;
    expect(await reload('b')).toMatchObject({ state: 'succeeded', result: { mode: 'unchanged' } });
    expect((await healthOf(url(), 'p1')).replicas[0]?.pid).toBe(replica?.pid);
  }, 600_000);

  test('C-41 a stream that outlives the deadline ends the reload, not the other way round', async () => {
    await reload('a');
    let refused: Promise<unknown> | undefined;
    const seen = await streamed(url(), ask('a', { max_tokens: MANY_TOKENS }), (chunks) => {
      if (chunks === 5) refused = call(url(), 'POST', '/v2/pools/p1/reload?wait=true', { new_model_ref: 'b', deadline_ms: 1 });
    });
    expect(await refused).toMatchObject({ status: 409, body: { message: expect.stringContaining('did not end before the deadline') } });
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true, chunks: MANY_TOKENS });
    expect(residentIn(await untilPool(url(), 'p1', 'a is resident', (pool) => residentIn(pool).length > 0))).toEqual(['a']);
  }, 600_000);

  test('B-102 an unknown pool or model is 404, a second reload 409, and a body without a model 400', async () => {
    expect(await call(url(), 'POST', '/v2/pools/nope/reload', { new_model_ref: 'b' })).toMatchObject({ status: 404 });
    expect(await call(url(), 'POST', '/v2/pools/p1/reload', { new_model_ref: 'nobody' })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await call(url(), 'POST', '/v2/pools/p1/reload', {})).toMatchObject({ status: 400, body: { field: 'new_model_ref' } });
    await reload('a');
    // What runs keeps the first one from its end.
    const stream = streamed(url(), ask('a', { max_tokens: MANY_TOKENS }));
    await running(system.corral);
    const first = await begun(url(), '/v2/pools/p1/reload', { new_model_ref: 'b', deadline_ms: 240_000 });
    const second = await call(url(), 'POST', '/v2/pools/p1/reload', { new_model_ref: 'a' });
    expect(await stream).toMatchObject({ isDone: true });
    expect([second.status, await ended(url(), first)]).toEqual([409, expect.objectContaining({ state: 'succeeded' })]);
  }, 600_000);
});

describe('kill -9 during a reload', () => {
  test('T-247 C-262 the control plane: after its restart what the node did is what is wanted', async () => {
    await reload('a');
    const { orchestratord } = await processesOf(system.corral);
    await begun(url(), '/v2/pools/p1/reload', { new_model_ref: 'b' });
    process.kill(orchestratord, 'SIGKILL');
    await untilPool(url(), 'p1', 'b is resident and taken over', (pool) => residentIn(pool).join() === 'b' && pool.changes === undefined && pool.operation === undefined);
    expect((await completed(url(), ask('b'))).length).toBeGreaterThan(0);
    expect(residentIn(await healthOf(url(), 'p1'))).toEqual(['b']);
  }, 600_000);

  test('T-247 C-260 the node: one of both serves, and the operation says that it is over', async () => {
    await reload('a');
    const { poolManagerd } = await processesOf(system.corral);
    const operation = await begun(url(), '/v2/pools/p1/reload', { new_model_ref: 'b' });
    process.kill(poolManagerd, 'SIGKILL');
    const { state, error } = await ended(url(), operation);
    const pool = await untilPool(url(), 'p1', 'one of both is resident', (seen) => residentIn(seen).length === 1 && seen.operation === undefined);
    expect(state === 'failed' ? [error?.code, residentIn(pool)] : ['done', residentIn(pool)]).toEqual(state === 'failed' ? ['NODE_UNAVAILABLE', ['a']] : ['done', ['b']]);
  }, 600_000);
});

test('C-260 operations are listed, and one that is not known says that a restart ends them', async () => {
  const { body } = await call(url(), 'GET', '/v2/operations?limit=5');
  expect((body['data'] as readonly { kind: string }[]).every(({ kind }) => kind === 'pool_reload')).toBe(true);
  expect(await call(url(), 'GET', '/v2/operations/op-none')).toMatchObject({ status: 404, body: { message: expect.stringContaining('do not survive a restart') } });
});
