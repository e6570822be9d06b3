import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { call, smollm2 } from '../served.js';
import { atRest, poolsAt, running, startSystem, type System } from './served-system.js';

/** About 4,000 tokens: on one thread their evaluation takes far longer than all limits below. */
const PROMPT = Array.from({ length: 1_350 }, (_, n) => `${n % 10} and`).join(' ');
/** About a chunk of it, and another text, of which nothing is kept for the other. */
const CHUNK = `Read: ${Array.from({ length: 170 }, (_, n) => `${n % 10} or`).join(' ')}`;

let system: System;
/** A chunk of a prompt takes less than a second, on a busy machine a few: three times as long as one took here. */
let withinMs = 5_000;

beforeAll(async () => {
  system = await startSystem({ models: { smollm2: await smollm2({ context: 6_144, slots: 1 }) } });
  await call(system.corral.url, 'POST', '/v1/completions', { model: 'smollm2', prompt: 'Hi', max_tokens: 1 });
  const beganMs = performance.now();
  await call(system.corral.url, 'POST', '/v1/completions', { model: 'smollm2', prompt: CHUNK, max_tokens: 1 });
  withinMs = Math.max(withinMs, 3 * (performance.now() - beganMs));
}, 600_000);

afterAll(() => system.stop());

const slotFree = (): Promise<unknown> =>
  eventually('its slot is free', withinMs, async () => (await poolsAt(system.corral.poolUrl)).every((pool) => pool.active_leases === 0 && pool.slots_free === 1));

describe('a prompt of 4,000 tokens is canceled while it is evaluated', () => {
  test('T-216 C-165 B-67 by a call: the slot is free within a chunk, and the next request is answered', async () => {
    const accepted = await call(system.corral.url, 'POST', '/v2/tasks', { model_ref: 'smollm2', prompt: PROMPT, max_tokens: 4 });
    await running(system.corral);
    expect((await call(system.corral.url, 'POST', `/v2/tasks/${String(accepted.body['task_id'])}/cancel`)).status).toBe(204);
    await slotFree();
    expect((await call(system.corral.url, 'POST', '/v1/completions', { model: 'smollm2', prompt: 'Water is', max_tokens: 2 })).status).toBe(200);
    await atRest(system);
  }, 600_000);

  test('T-216 C-165 B-66 by a client that leaves', async () => {
    const gone = new AbortController();
    const body = JSON.stringify({ model: 'smollm2', prompt: PROMPT, max_tokens: 4, stream: true });
    const asked = fetch(new URL('/v1/completions', system.corral.url), { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal: gone.signal }).catch(() => null);
    await running(system.corral);
    gone.abort();
    expect(await asked).toBeNull();
    await slotFree();
    await atRest(system);
  }, 600_000);
});
