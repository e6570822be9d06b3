import { stat } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { completed } from '../faults/answers.js';
import { startSystem, type System } from '../faults/served-system.js';
import { call, tiny, type Tiny } from '../served.js';
import { done, residentIn, untilPool } from './pool-calls.js';

let models: readonly Tiny[];
let system: System;
const url = (): string => system.corral.url;
const ask = (model: string) => ({ model, prompt: 'x', max_tokens: 4, temperature: 0 });
/** The node's own catalog. */
const entryOf = (model: string) => call(system.corral.poolUrl, 'GET', `/v2/catalog/models/${model}`);

beforeAll(async () => {
  models = [await tiny(), await tiny({ seed: 2 }), await tiny({ seed: 3 })];
  const [a, b] = models as [Tiny, Tiny];
  system = await startSystem({ models: { a: a.model, b: b.model }, pools: [{ id: 'p1', node: 'local', device: 'cpu' }] });
}, 600_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

describe('purge of a pool', () => {
  test('B-103 G-09 what is in use is refused before anything is touched, and so is what nobody knows', async () => {
    await completed(url(), ask('a'));
    expect(await call(url(), 'POST', '/v2/pools/p1/purge', { purge_models: ['a'] })).toMatchObject({ status: 409, body: { code: 'MODEL_IN_USE', message: expect.stringContaining('in use') } });
    expect(await call(url(), 'POST', '/v2/pools/p1/purge', { purge_models: ['nobody'] })).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await call(url(), 'POST', '/v2/pools/p1/purge', { purge: true })).toMatchObject({ status: 400 });
    expect(residentIn(await untilPool(url(), 'p1', 'as before', ({ ready, draining }) => ready && !draining))).toEqual(['a']);
    expect((await completed(url(), ask('a'))).length).toBeGreaterThan(0);
  }, 600_000);

  test('B-103 with force the pool drains, the model leaves the node and does not come back by itself; a file of the operator stays', async () => {
    await completed(url(), ask('a'));
    expect((await entryOf('a')).status).toBe(200);
    const operation = await done(url(), '/v2/pools/p1/purge', { purge_models: ['a'], force: true, delete_cache_dirs: true, purge_engine: true, deadline_ms: 5_000 });
    expect(operation).toMatchObject({ kind: 'pool_purge', state: 'succeeded', result: { pool_id: 'p1', models: [{ model_id: 'a' }] } });
    await untilPool(url(), 'p1', 'drained', ({ live, draining }) => draining && !live);
    expect((await entryOf('a')).status).toBe(404);
    expect((await stat(models[0]?.path ?? '')).isFile()).toBe(true);
    expect(await done(url(), '/v2/pools/p1/preload', {})).toMatchObject({ state: 'succeeded' });
    expect((await entryOf('a')).status).toBe(404);
    // Somebody who asks has it fetched anew.
    expect((await completed(url(), ask('a'))).length).toBeGreaterThan(0);
  }, 600_000);
});
