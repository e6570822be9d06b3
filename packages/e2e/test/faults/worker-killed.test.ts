import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import { smollm2, tiny, type Tiny } from '../served.js';
import { completed, streamed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, poolsAt, replicaOf, residentPid, running, startSystem, type System } from './served-system.js';

/** A prompt whose evaluation takes seconds on one thread, so that a kill meets it. */
const LONG_PROMPT = `Count: ${Array.from({ length: 200 }, (_, n) => n).join(', ')}`;

let system: System;
let endless: Tiny;

beforeAll(async () => {
  endless = await tiny({ endless: true }, { context: 4_096, slots: 2 });
  system = await startSystem({
    models: { smollm2: await smollm2({ context: 2_048, slots: 2 }), endless: endless.model },
    // One death after the other must not open the breaker here.
    poolManagerd: { supervision: { circuit_breaker_threshold: 100 } },
  });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await endless.remove();
});

const kill = (pid: number): void => void process.kill(pid, 'SIGKILL');
const url = (): string => system.corral.url;

describe('an engine worker is killed', () => {
  test('T-200 T-106 C-50 idle: the next request is answered, by a worker that was started again', async () => {
    const ask = { model: 'smollm2', prompt: 'The capital of France is', max_tokens: 4, temperature: 0 };
    const before = await completed(url(), ask);
    const pid = await residentPid(system.corral, 'smollm2');
    kill(pid);
    await eventually('it is gone', 120_000, async () => (await aliveOf([pid])).length === 0);
    expect(await completed(url(), ask)).toBe(before);
    expect(await residentPid(system.corral, 'smollm2')).not.toBe(pid);
    await atRest(system);
  }, 600_000);

  test('T-201 A-150 while it loads: the request that waits for it is answered', async () => {
    const pid = await residentPid(system.corral, 'smollm2');
    kill(pid);
    const answer = completed(url(), { model: 'smollm2', prompt: 'Water is', max_tokens: 4, temperature: 0 });
    await eventually('it loads', 120_000, async () => (await replicaOf(system.corral, 'smollm2'))?.state === 'loading');
    const { engines } = await processesOf(system.corral);
    const others = (await poolsAt(system.corral.poolUrl)).flatMap((pool) => pool.replicas).map((replica) => replica.pid);
    const loading = engines.filter((engine) => !others.includes(engine));
    for (const each of loading) kill(each);
    expect(typeof (await answer)).toBe('string');
    await atRest(system);
  }, 600_000);

  test('T-202 A-150 in the middle of its prompt: the client sees nothing but a later first token', async () => {
    const ask = { model: 'smollm2', prompt: LONG_PROMPT, max_tokens: 8, temperature: 0 };
    await residentPid(system.corral, 'smollm2');
    const answer = streamed(url(), ask);
    await running(system.corral);
    kill(await residentPid(system.corral, 'smollm2'));
    const seen = await answer;
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true, isBroken: false });
    expect(seen.text).toBe(await completed(url(), ask));
    await atRest(system);
  }, 600_000);

  test('T-203 T-31 in the middle of a stream: one typed error ends it, and nobody else notices', async () => {
    const ask = { model: 'endless', prompt: 'x', max_tokens: 1_000 };
    const other = streamed(url(), { model: 'smollm2', prompt: 'Once upon a time', max_tokens: 40, temperature: 0 });
    let killed = false;
    const seen = await streamed(url(), ask, async (chunks) => {
      if (chunks < 5 || killed) return;
      killed = true;
      kill(await residentPid(system.corral, 'endless'));
    });
    expect(seen).toMatchObject({ status: 200, errorCode: 'WORKER_RESET', isDone: false });
    expect(seen.chunks).toBeGreaterThanOrEqual(5);
    expect(await other).toMatchObject({ status: 200, errorCode: null, isDone: true, chunks: expect.any(Number) });
    await atRest(system);
  }, 600_000);

  test('T-204 A-151 in the middle of a whole answer: it is written again from the same seed', async () => {
    const ask = { model: 'smollm2', prompt: 'Once upon a time, there was a', max_tokens: 150, temperature: 0.8, seed: 11 };
    const expected = await completed(url(), ask);
    const answer = completed(url(), ask);
    await running(system.corral);
    kill(await residentPid(system.corral, 'smollm2'));
    expect(await answer).toBe(expected);
    await atRest(system);
  }, 600_000);
});
