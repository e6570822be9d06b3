import { rename } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { call, tiny, type Tiny } from '../served.js';
import { processesOf } from '../faults/processes.js';
import { residentPid, startSystem, type System } from '../faults/served-system.js';
import { cacheOf, makeCold, onDisk, readBytes, staged } from './staged.js';

const SIZE_BYTES = 200_000_000;
let system: System;
let large: Awaited<ReturnType<typeof onDisk>>;
let other: Tiny;

beforeAll(async () => {
  large = await onDisk(SIZE_BYTES);
  other = await tiny();
  const models = { large: { source: `file:${large.path}`, context: 512, slots: 1 }, other: other.model };
  // A parked replica would come back without a load.
  system = await startSystem({ models, orchestratord: { swap_quantum_ms: 0 }, poolManagerd: { parking: { max_parked: 0 } }, env: { CPU_POOL_REPLICAS: '1' }, idleWorkers: 1 });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await large.remove();
  await other.remove();
});

/** Answers with the model, which makes the other one leave first, and says what its worker and its node had the disk read for that. */
async function loaded(model: 'large' | 'other'): Promise<{ readonly worker: number; readonly node: number }> {
  const { poolManagerd } = await processesOf(system.corral);
  const before = await readBytes(poolManagerd);
  const answer = await call(system.corral.url, 'POST', '/v1/completions', { model, prompt: 'a', max_tokens: 4, temperature: 0 });
  expect([answer.status, answer.body['error']]).toEqual([200, undefined]);
  return { worker: await readBytes(await residentPid(system.corral, model)), node: (await readBytes(poolManagerd)) - before };
}

test('C-45 C-76 T-114 a staged model reads nothing from the disk when it loads, and loads though its file was moved away', async () => {
  // The first load looks at the whole file; after the second one nothing is left to learn of it.
  await loaded('large');
  const { path } = await staged(system.corral, 'large');
  await loaded('other');
  // The reference: the same load without the staged copy, from a disk that has to be read.
  expect((await call(system.corral.poolUrl, 'DELETE', '/v2/cache/large')).status).toBe(204);
  await makeCold(large.path);
  expect((await loaded('large')).worker).toBeGreaterThan(SIZE_BYTES / 2);

  await loaded('other');
  expect((await call(system.corral.url, 'POST', '/v2/catalog/models/large/stage')).status).toBe(202);
  expect((await staged(system.corral, 'large')).path).toBe(path);
  await makeCold(large.path);
  const fromRam = await loaded('large');
  // Pages of programs and libraries that the system has dropped meanwhile are read anew; weights are not.
  expect(fromRam.worker + fromRam.node).toBeLessThan(SIZE_BYTES / 4);
  expect((await cacheOf(system.corral)).find(({ model_id }) => model_id === 'large')?.leases).toBe(1);

  await loaded('other');
  await rename(large.path, `${large.path}.moved`);
  await loaded('large');
  const log = await system.corral.logs('pool-managerd');
  expect(log.filter(({ level, model_id }) => level === 'warn' && model_id === 'large')).toEqual([]);
}, 600_000);
