import { beforeAll, describe, expect, test } from '@jest/globals';
import { aGenerateRequest, eventsOf, fetchSmolLm2 } from '@corral/test-kit';
import { llamacppReplicas, statsOf, type Client } from './running-replica.js';

const replicas = llamacppReplicas();
const SMOKE = Array.from({ length: 8 }, (_, n) => n * 1_234_567);
const SEEDS = [...SMOKE, ...Array.from({ length: 55 }, (_, n) => 99_991 * (n + 1)), 0xffff_fffe];

let modelPath = '';
beforeAll(async () => {
  modelPath = await fetchSmolLm2();
}, 600_000);

const start = (slots: number): Promise<{ readonly client: Client; stop(): Promise<void> }> =>
  replicas.start({ modelPath, contextTokens: 256, slots, batchTokens: 64 }).then(({ client, replica }) => ({ client, stop: () => replica.stop(0) }));

/** The frames of an answer byte for byte, without the times of its last one. */
async function frames(client: Client, seed: number): Promise<string> {
  const { text } = await client.generate(aGenerateRequest({ max_tokens: 8, input: { type: 'prompt', prompt: 'My favourite place is' }, sampling: { temperature: 0.8, seed } }));
  const { finish_reason, tokens_in, tokens_out } = (eventsOf(text).at(-1)?.data ?? {}) as Record<string, unknown>;
  return text.slice(0, text.indexOf('event: end')) + JSON.stringify([finish_reason, tokens_in, tokens_out]);
}

async function oneByOne(client: Client, seeds: readonly number[]): Promise<readonly string[]> {
  const said: string[] = [];
  for (const seed of seeds) said.push(await frames(client, seed));
  return said;
}

async function fourAtOnce(client: Client, seeds: readonly number[]): Promise<readonly string[]> {
  const said: string[] = [];
  for (let from = 0; from < seeds.length; from += 4) said.push(...(await Promise.all(seeds.slice(from, from + 4).map((seed) => frames(client, seed)))));
  return said;
}

/** Alone, in a batch of four, and alone again in a process that was started after the first had ended. */
async function inThreeWays(seeds: readonly number[]): Promise<readonly (readonly string[])[]> {
  const single = await start(1);
  const alone = await oneByOne(single.client, seeds);
  await single.stop();
  const shared = await start(4);
  const together = await fourAtOnce(shared.client, seeds);
  expect((await statsOf(shared.client)).sequences_per_step[4]).toBeGreaterThan(0);
  await shared.stop();
  return [alone, together, await oneByOne((await start(1)).client, seeds)];
}

describe('determinism of SmolLM2', () => {
  test('I-01 I-03 T-142 T-143 smoke: 8 seeds say the same alone, in a batch and after a reload, and each something else', async () => {
    const [alone, together, reloaded] = await inThreeWays(SMOKE);
    expect([together, reloaded]).toEqual([alone, alone]);
    expect(new Set(alone).size).toBe(SMOKE.length);
  }, 600_000);

  test('I-01 I-03 64 seeds say the same alone, in a batch and after a reload, and almost all something else', async () => {
    const [alone, together, reloaded] = await inThreeWays(SEEDS);
    expect([together, reloaded]).toEqual([alone, alone]);
    expect([SEEDS.length, new Set(SEEDS).size]).toEqual([64, 64]);
    expect(new Set(alone).size).toBeGreaterThanOrEqual(60);
  }, 600_000);
});
