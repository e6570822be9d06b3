import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { call, smollm2, tiny, type Tiny } from '../served.js';
import { completed, streamed } from './answers.js';
import { processesOf } from './processes.js';
import { atRest, residentPid, running, startSystem, type System } from './served-system.js';

const LONG_PROMPT = `Count: ${Array.from({ length: 200 }, (_, n) => n).join(', ')}`;

let system: System;
let endless: Tiny;

beforeAll(async () => {
  endless = await tiny({ endless: true }, { context: 4_096, slots: 2 });
  system = await startSystem({
    models: { smollm2: await smollm2({ context: 2_048, slots: 2 }), endless: endless.model },
    orchestratord: { node_heartbeat_ms: 500, node_offline_ms: 3_000 },
    poolManagerd: { supervision: { health_check_interval_ms: 500, health_check_timeout_ms: 2_000 } },
  });
}, 600_000);

afterAll(async () => {
  await system.stop();
  await endless.remove();
});

const url = (): string => system.corral.url;

describe('a process stops to answer (SIGSTOP)', () => {
  test('T-202 C-171 A-150 a worker in the middle of a prompt: it is found out, ended and replaced; the client only waits', async () => {
    const ask = { model: 'smollm2', prompt: LONG_PROMPT, max_tokens: 6, temperature: 0 };
    await completed(url(), { model: 'smollm2', prompt: 'Hi', max_tokens: 1 });
    const answer = streamed(url(), ask);
    await running(system.corral);
    const pid = await residentPid(system.corral, 'smollm2');
    process.kill(pid, 'SIGSTOP');
    const seen = await answer;
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true });
    expect(seen.text).toBe(await completed(url(), ask));
    expect(await residentPid(system.corral, 'smollm2')).not.toBe(pid);
    await atRest(system);
  }, 600_000);

  test('T-203 C-171 a worker in the middle of a stream: one typed error, long before the limit between tokens', async () => {
    await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 1 });
    const pid = await residentPid(system.corral, 'endless');
    const seen = await streamed(url(), { model: 'endless', prompt: 'x', max_tokens: 3_000 }, (chunks) => void (chunks === 5 && process.kill(pid, 'SIGSTOP')));
    expect(seen).toMatchObject({ status: 200, errorCode: 'WORKER_RESET', isDone: false });
    await residentPid(system.corral, 'endless');
    await atRest(system);
  }, 600_000);

  test('T-207 A-155 pool-managerd: it gets no work, its state is known again once it goes on', async () => {
    await completed(url(), { model: 'endless', prompt: 'x', max_tokens: 1 });
    const { poolManagerd } = await processesOf(system.corral);
    process.kill(poolManagerd, 'SIGSTOP');
    let answer: Promise<string>;
    try {
      answer = completed(url(), { model: 'endless', prompt: 'x', max_tokens: 3 });
      await offline();
    } finally {
      process.kill(poolManagerd, 'SIGCONT');
    }
    expect((await answer).length).toBeGreaterThan(0);
    await atRest(system);
  }, 600_000);

  test('T-208 orchestratord: streams stand still and go on, nothing is lost', async () => {
    const { orchestratord } = await processesOf(system.corral);
    const seen = await streamed(url(), { model: 'endless', prompt: 'x', max_tokens: 300 }, async (chunks) => {
      if (chunks !== 5) return;
      process.kill(orchestratord, 'SIGSTOP');
      // The node goes on reporting to nobody for several heartbeats.
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      process.kill(orchestratord, 'SIGCONT');
    });
    expect(seen).toMatchObject({ status: 200, errorCode: null, isDone: true, chunks: 300 });
    await atRest(system);
  }, 600_000);
});

/** Waits until the control plane has given its only node up. */
async function offline(): Promise<void> {
  for (;;) {
    const { body } = await call(url(), 'GET', '/v2/nodes');
    const [node] = body['data'] as readonly { readonly online: boolean }[];
    if (node?.online === false) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
