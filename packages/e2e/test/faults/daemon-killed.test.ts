import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { aliveOf, eventually } from '@corral/test-kit';
import { call, smollm2, tiny, type Tiny } from '../served.js';
import { completed, streamed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, residentPid, running, startSystem, type System } from './served-system.js';

const LONG_PROMPT = `Count: ${Array.from({ length: 200 }, (_, n) => n).join(', ')}`;

let system: System;
let endless: Tiny;

beforeAll(async () => {
  endless = await tiny({ endless: true }, { context: 4_096, slots: 2 });
  system = await startSystem({ models: { smollm2: await smollm2({ context: 2_048, slots: 2 }), endless: endless.model } });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await endless.remove();
});

const url = (): string => system.corral.url;

async function killed(pids: readonly number[], first: number): Promise<void> {
  process.kill(first, 'SIGKILL');
  await eventually('it is gone with all that it started', 120_000, async () => (await aliveOf(pids)).length === 0);
}

describe('a daemon is killed', () => {
  test('T-205 A-150 pool-managerd during a prompt: its workers end with it, the request is placed again', async () => {
    const ask = { model: 'smollm2', prompt: LONG_PROMPT, max_tokens: 6, temperature: 0 };
    const answer = streamed(url(), ask);
    await running(system.corral);
    const { poolManagerd, engines } = await processesOf(system.corral);
    await killed([poolManagerd, ...engines], poolManagerd);
    const seen = await answer;
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true });
    expect(seen.text).toBe(await completed(url(), ask));
    await atRest(system);
  }, 600_000);

  test('T-205 A-155 pool-managerd during a stream: one typed error; after its restart it serves what it had', async () => {
    await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 2 });
    let isKilled = false;
    const seen = await streamed(url(), { model: 'endless', prompt: 'x', max_tokens: 3_000 }, async (chunks) => {
      if (chunks < 5 || isKilled) return;
      isKilled = true;
      const { poolManagerd, engines } = await processesOf(system.corral);
      await killed([poolManagerd, ...engines], poolManagerd);
    });
    expect(seen).toMatchObject({ status: 200, errorCode: 'WORKER_RESET', isDone: false });
    // What the journal holds is loaded again although nobody asks.
    await residentPid(system.corral, 'endless');
    expect((await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 3 })).length).toBeGreaterThan(0);
    await atRest(system);
  }, 600_000);

  test('T-206 orchestratord during a stream: the connection ends, replicas stay, and the next request needs no load', async () => {
    await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 2 });
    const pid = await residentPid(system.corral, 'endless');
    const { orchestratord } = await processesOf(system.corral);
    let isKilled = false;
    const seen = await streamed(url(), { model: 'endless', prompt: 'x', max_tokens: 3_000 }, (chunks) => {
      if (chunks < 5 || isKilled) return;
      isKilled = true;
      process.kill(orchestratord, 'SIGKILL');
    });
    expect(seen).toMatchObject({ isBroken: true, isDone: false });
    await eventually('it is ready again', 120_000, async () => (await call(url(), 'GET', '/ready').catch(() => undefined))?.status === 200);
    expect((await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 3 })).length).toBeGreaterThan(0);
    expect(await residentPid(system.corral, 'endless')).toBe(pid);
    await atRest(system);
  }, 600_000);
});
