import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import { tiny, type Tiny } from '../served.js';
import { completed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, poolsAt, startSystem, type System } from './served-system.js';

let system: System;
let model: Tiny;

beforeAll(async () => {
  model = await tiny({ endless: true });
  system = await startSystem({ models: { tiny: model.model }, idleWorkers: 1 });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await model.remove();
});

test('T-217 C-151 an idle engine worker that is killed is replaced, and a load meanwhile succeeds', async () => {
  await eventually('the pool is ready', 120_000, async () => (await poolsAt(system.corral.poolUrl)).every((pool) => pool.ready));
  await atRest(system);
  const { engines } = await processesOf(system.corral);
  expect(engines.length).toBe(1);
  for (const pid of engines) process.kill(pid, 'SIGKILL');
  expect(await completed(system.corral.url, { model: 'tiny', prompt: 'x', max_tokens: 2 })).not.toBe('');
  await eventually('it is gone', 120_000, async () => (await aliveOf(engines)).length === 0);
  // The replica's process, and another one that waits.
  await atRest(system);
}, 600_000);
