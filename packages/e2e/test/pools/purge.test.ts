import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Operation } from '@corral/contracts';
import { eventually, startHub, type Hub } from '@corral/test-kit';
import { completed, streamed } from '../faults/answers.js';
import { processesOf } from '../faults/processes.js';
import { running, startSystem, type System } from '../faults/served-system.js';
import { digestOf, entriesOf, indexOf } from '../node-catalog/node-catalog.js';
import { call, tiny, type Tiny } from '../served.js';
import { begun, done, ended, healthOf, residentIn, untilPool } from './pool-calls.js';

let models: readonly Tiny[];
let hub: Hub;
let system: System;
const url = (): string => system.corral.url;
const ask = (model: string) => ({ model, prompt: 'x', max_tokens: 4, temperature: 0 });
/** The node's own catalog. */
const entryOf = (model: string) => call(system.corral.poolUrl, 'GET', `/v2/catalog/models/${model}`);

beforeAll(async () => {
  models = [await tiny({ endless: true }, { context: 4_096, slots: 2 }), await tiny({ seed: 2 }), await tiny({ seed: 3 })];
  const [a, b, fetched] = models as [Tiny, Tiny, Tiny];
  const bytes = await readFile(fetched.path);
  hub = await startHub();
  hub.put('fetched.gguf', bytes);
  // Its file is the node's own, and goes with its entry.
  system = await startSystem({ models: { a: a.model, b: b.model, fetched: { source: `${hub.url}/fetched.gguf`, digest: digestOf(bytes), context: 512, slots: 2 } }, pools: [{ id: 'p1', node: 'local', device: 'cpu' }] });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await hub.close();
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

/** What the node's index says is what its models directory holds: no file without an entry, no entry without its file. */
async function expectWholeCatalog(): Promise<void> {
  const { models: indexed } = await indexOf(system.corral);
  const told = (await entriesOf(system.corral.poolUrl)).map(({ model_id }) => model_id).toSorted();
  const files = (await readdir(join(system.corral.stateDir, 'models'))).filter((name) => name.startsWith('sha256-'));
  expect([indexed.map(({ id }) => id).toSorted(), files.length]).toEqual([told, told.includes('fetched') ? 1 : 0]);
}

/** The node is killed as soon as an operation has begun, or when it has come so far, and is back. Returns how the operation ended. */
async function killedDuring(path: string, body: object, reached: () => Promise<unknown> = () => Promise.resolve()): Promise<Operation> {
  const { poolManagerd } = await processesOf(system.corral);
  const operation = await begun(url(), path, body);
  await reached();
  process.kill(poolManagerd, 'SIGKILL');
  const end = await ended(url(), operation);
  await untilPool(url(), 'p1', 'it is in service again, and nothing is done to it', (pool) => pool.ready && !pool.draining && (pool.operation ?? null) === null);
  return end;
}

describe('kill -9 of the node', () => {
  test('T-266 C-260 while a purge drains: the operation fails, nothing was deleted, and what was to go is served when somebody asks', async () => {
    for (const model of ['fetched', 'b', 'a']) await completed(url(), ask(model));
    const stream = streamed(url(), { ...ask('a'), max_tokens: 4_000 });
    await running(system.corral);
    const draining = () => eventually('it drains', 60_000, async () => (await healthOf(url(), 'p1')).draining);
    expect(await killedDuring('/v2/pools/p1/purge', { purge_models: ['a', 'fetched'], force: true, deadline_ms: 120_000 }, draining)).toMatchObject({ state: 'failed', error: { code: 'NODE_UNAVAILABLE' } });
    expect((await stream).isDone).toBe(false);
    await expectWholeCatalog();
    expect((await entriesOf(system.corral.poolUrl)).map(({ model_id }) => model_id)).toEqual(expect.arrayContaining(['a', 'b', 'fetched']));
    for (const model of ['a', 'b', 'fetched']) expect((await completed(url(), ask(model))).length).toBeGreaterThan(0);
  }, 600_000);

  test('T-266 C-260 while a purge deletes, at whatever it is: each model is there or gone as a whole, and comes back when somebody asks', async () => {
    for (const model of ['fetched', 'a']) await completed(url(), ask(model));
    const end = await killedDuring('/v2/pools/p1/purge', { purge_models: ['fetched', 'a'], force: true, deadline_ms: 1_000 });
    expect(end.state === 'failed' ? end.error?.code : end.state).toBe(end.state === 'failed' ? 'NODE_UNAVAILABLE' : 'succeeded');
    await expectWholeCatalog();
    if (end.state === 'succeeded') expect((await entriesOf(system.corral.poolUrl)).map(({ model_id }) => model_id)).toEqual(['b']);
    for (const model of ['a', 'fetched']) expect((await completed(url(), ask(model))).length).toBeGreaterThan(0);
    await expectWholeCatalog();
  }, 600_000);

  test('T-266 C-262 during a preload: what was not taken over is gone with the daemon, and what is resident is what is wanted', async () => {
    // Nothing is wanted of it, so that the preload alone brings it.
    expect(await done(url(), '/v2/pools/p1/purge', { purge_models: ['fetched', 'a'], force: true, deadline_ms: 1_000 })).toMatchObject({ state: 'succeeded' });
    const end = await killedDuring('/v2/pools/p1/preload', { models: ['fetched', 'a'] });
    expect(end.state === 'failed' ? end.error?.code : end.state).toBe(end.state === 'failed' ? 'NODE_UNAVAILABLE' : 'succeeded');
    const settled = await untilPool(url(), 'p1', 'every replica is resident and wanted', ({ replicas, changes }) => changes === undefined && replicas.every(({ state, reason }) => state === 'resident' && reason !== undefined));
    if (end.state === 'succeeded') expect(residentIn(settled)).toEqual(expect.arrayContaining(['a', 'fetched']));
    const { engines } = await processesOf(system.corral);
    expect(settled.replicas.filter(({ pid }) => pid !== null && !engines.includes(pid))).toEqual([]);
    await expectWholeCatalog();
    expect((await completed(url(), ask('fetched'))).length).toBeGreaterThan(0);
  }, 600_000);
});
