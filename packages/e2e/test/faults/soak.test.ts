import { readdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { call, tiny, type Tiny } from '../served.js';
import { completed, streamed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, startSystem, type System } from './served-system.js';

const SWAPS = 200;
const CANCELED = 2_000;
const CLIENTS = 4;
/** What a process may have more after the second half than after the first: a leak of 100 bytes a request is more. */
const SLACK_BYTES = 24 * 1024 * 1024;

/** V8 collects late where there is room: in a small heap a leak shows, and nothing else does. */
const SMALL_HEAP = '--max-old-space-size=64 --max-semi-space-size=2';

let system: System;
let models: readonly Tiny[];

beforeAll(async () => {
  models = [await tiny({ endless: true }, { context: 4_096, slots: CLIENTS }), await tiny({ endless: true, seed: 2 }, { context: 4_096, slots: CLIENTS })];
  const [a, b] = models.map(({ model }) => model) as [object, object];
  system = await startSystem({ models: { a, b }, orchestratord: { swap_quantum_ms: 0, task_retention_ms: 1_000 }, idleWorkers: 1, env: { CPU_POOL_REPLICAS: '1', NODE_OPTIONS: SMALL_HEAP } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

interface Footprint {
  readonly orchestratord: Usage;
  readonly poolManagerd: Usage;
  readonly processes: number;
  readonly sockets: number;
  /** Of the staging area: weights, and beginnings of conversations beside them. */
  readonly stagedBytes: number;
}

interface Usage {
  readonly residentBytes: number;
  readonly files: number;
}

async function footprint(): Promise<Footprint> {
  const { orchestratord, poolManagerd, engines } = await processesOf(system.corral);
  const sockets = (await readdir(system.socketRoot)).filter((name) => name.startsWith('corral-w'));
  const stagedBytes = (await call(system.corral.poolUrl, 'GET', '/v2/cache')).body['used_bytes'] as number;
  return { orchestratord: await usageOf(orchestratord), poolManagerd: await usageOf(poolManagerd), processes: engines.length, sockets: sockets.length, stagedBytes };
}

async function usageOf(pid: number): Promise<Usage> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return { residentBytes: Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1_024, files: (await readdir(`/proc/${pid}/fd`)).length };
}

/** Asks for a stream and goes away after its first bytes. */
async function left(): Promise<void> {
  const gone = new AbortController();
  const body = JSON.stringify({ model: 'a', prompt: 'x', max_tokens: 4_000, stream: true });
  const response = await fetch(new URL('/v1/completions', system.corral.url), { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: gone.signal });
  expect(response.status).toBe(200);
  await response.body?.getReader().read();
  gone.abort();
}

/** What a process keeps for a while after its last request is gone in the end; what leaks is not. */
async function expectNoGrowth(before: Footprint): Promise<void> {
  const compared = async (): Promise<boolean> => {
    judge(before, await footprint());
    return true;
  };
  await eventually('nothing has grown', 60_000, async () => await compared().catch(() => false)).catch(compared);
}

function judge(before: Footprint, after: Footprint): void {
  for (const daemon of ['orchestratord', 'poolManagerd'] as const) {
    expect({ daemon, grownBytes: Math.max(SLACK_BYTES, after[daemon].residentBytes - before[daemon].residentBytes) }).toEqual({ daemon, grownBytes: SLACK_BYTES });
    // Connections are kept for a while: as many as there were clients at once, however many requests there were.
    expect(after[daemon].files).toBeLessThanOrEqual(before[daemon].files + 2 * CLIENTS);
  }
  const countsOf = ({ processes, sockets, stagedBytes }: Footprint): object => ({ processes, sockets, stagedBytes });
  expect(countsOf(after)).toEqual(countsOf(before));
}

describe('nothing grows', () => {
  test(`T-213 G-21 over ${SWAPS} swaps back and forth`, async () => {
    const swap = async (count: number): Promise<void> => {
      for (let n = 0; n < count; n += 1) await completed(system.corral.url, { model: n % 2 === 0 ? 'a' : 'b', prompt: 'x', max_tokens: 1 });
    };
    await swap(SWAPS / 2);
    await atRest(system);
    const before = await footprint();
    await swap(SWAPS / 2);
    await atRest(system);
    await expectNoGrowth(before);
  }, 1_200_000);

  test(`T-213 B-66 over ${CANCELED} streams that their clients leave`, async () => {
    const leave = async (count: number): Promise<void> => {
      const client = async (): Promise<void> => {
        for (let n = 0; n < count / CLIENTS; n += 1) await left();
      };
      await Promise.all(Array.from({ length: CLIENTS }, client));
    };
    await leave(CANCELED / 2);
    await atRest(system);
    const before = await footprint();
    await leave(CANCELED / 2);
    await atRest(system);
    await expectNoGrowth(before);
    expect(await streamed(system.corral.url, { model: 'a', prompt: 'x', max_tokens: 5 })).toMatchObject({ chunks: 5, isDone: true });
  }, 1_200_000);
});
