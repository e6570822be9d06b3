import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { aGenerateRequest, fetchSmolLm2, writeTinyModel, type GenerateChanges } from '@corral/test-kit';
import { llamacppReplicas, statsOf, textOf, type Client } from './running-replica.js';

const replicas = llamacppReplicas();
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-prefix-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const random = async (type: 'F16' | 'Q8_0'): Promise<string> =>
  (await writeTinyModel(join(dir, `${type}.gguf`), { mode: 'random', type, sizeBytes: 8_000_000, embedding: 256, contextTokens: 4_096 })).path;

interface Said {
  readonly text: string;
  readonly cached: number;
}

async function ask(client: Client, prompt: string, changes: GenerateChanges = {}): Promise<Said> {
  const { text, trailers } = await client.generate(aGenerateRequest({ max_tokens: 12, ...changes, input: { type: 'prompt', prompt } }));
  return { text: textOf(text), cached: (JSON.parse(trailers['x-corral-usage'] ?? '{}') as { tokens_cached: number }).tokens_cached };
}

const small = async (): Promise<string> => (await writeTinyModel(join(dir, 'small.gguf'), { mode: 'random', type: 'Q8_0' })).path;

/** One character is one token of a tiny model, after the one that begins the text. */
const letters = (count: number, salt: number): string => Array.from({ length: count }, (_, n) => String.fromCharCode(97 + ((n * 7 + salt * 11 + ((n * n) % 13)) % 26))).join('');

describe('prefix reuse: the state of a slot', () => {
  test.each(['F16', 'Q8_0'] as const)('C-161 C-162 C-163 C-243 C-245 I-01 %s weights: whatever the slot held, the state after a prompt is that of a new one, bit for bit', async (type) => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(new URL('./state-bits.mjs', import.meta.url)), await random(type)], { env });
    const { new: anew, ...others } = JSON.parse(stdout) as Record<string, { readonly cached: number; readonly said: string; readonly state: string }>;
    const company = 'while another slot decodes, after a prompt that begins alike';
    // In company these weights go through another kernel than alone.
    if (type === 'F16') delete others[company];
    expect(others).toEqual({
      'after another prompt that begins alike': { ...anew, cached: 256 },
      'after the same prompt': { ...anew, cached: 384 },
      'after a prompt that was read while another slot decoded': { ...anew, cached: 256 },
      'after a prompt that was given up in the middle': { ...anew, cached: 192 },
      'after an answer that was given up': { ...anew, cached: 256 },
      'after a prompt that begins otherwise': { ...anew, cached: 0 },
      'after the same prompt of another scope': { ...anew, cached: 0 },
      'after its beginning was kept by another context': { ...anew, cached: 256 },
      'after it was parked and its beginning was kept': { ...anew, cached: 256 },
      'after its kept beginning was written over in the slot': { ...anew, cached: 256 },
      'after the same prompt of another scope was kept': { ...anew, cached: 0 },
      ...(type === 'Q8_0' && { [company]: { ...anew, cached: 256 } }),
    });
    expect(anew?.cached).toBe(0);
  }, 600_000);
});

describe('prefix reuse: which slot', () => {
  test('C-160 C-164 two conversations under one system prompt keep a slot each, and say what they are', async () => {
    const { client } = await replicas.start({ modelPath: await small(), contextTokens: 2_048, slots: 3 });
    const system = letters(100, 1);
    const [a, b] = [system + letters(200, 2), system + letters(200, 3)];
    const cached: number[] = [];
    for (const prompt of [a, b, a + letters(80, 4), b + letters(80, 5)]) cached.push((await ask(client, prompt)).cached);
    expect(cached).toEqual([0, 0, 256, 256]);
    const { prefix_hits, cached_tokens, prefill_tokens } = await statsOf(client);
    expect([prefix_hits, cached_tokens, prefill_tokens]).toEqual([2, 512, 2 * 301 + 2 * 381 - 512]);
  });

  test('C-160 a long beginning that all share is read once', async () => {
    const { client } = await replicas.start({ modelPath: await small(), contextTokens: 2_048, slots: 3 });
    const system = letters(900, 1);
    const cached: number[] = [];
    for (const salt of [2, 3, 4]) cached.push((await ask(client, system + letters(100, salt))).cached);
    expect(cached).toEqual([0, 896, 896]);
  });

  test('C-163 C-164 another scope finds nothing; OpenAI clients see what was reused', async () => {
    const { client } = await replicas.start({ modelPath: await small(), contextTokens: 2_048, slots: 1 });
    const prompt = letters(300, 1);
    const one = async (prefix_scope: string) => {
      const { text } = await client.generate(aGenerateRequest({ prefix_scope, max_tokens: 4, input: { type: 'prompt', prompt }, output: { dialect: 'openai_completion', stream: false } }));
      return (JSON.parse(text) as { usage: object }).usage;
    };
    const usage = (cached_tokens: number) => expect.objectContaining({ prompt_tokens: 301, prompt_tokens_details: { cached_tokens } });
    expect([await one('acme'), await one('acme'), await one('other'), await one('other')]).toEqual([usage(0), usage(256), usage(0), usage(256)]);
  });

  test('C-132 C-160 who waits gets the next slot, whatever it holds', async () => {
    const { client } = await replicas.start({ modelPath: await small(), contextTokens: 2_048, slots: 1 });
    const order: string[] = [];
    const { body } = await client.open(aGenerateRequest({ max_tokens: 1_500, input: { type: 'prompt', prompt: letters(100, 9) } }));
    const busy = body.text().then(() => order.push('busy'));
    const first = ask(client, letters(300, 1)).then(() => order.push('first'));
    await Promise.all([busy, first]);
    expect([order, (await client.get('/health')).body['waiting']]).toEqual([['busy', 'first'], 0]);
  });
});

describe('prefix reuse on SmolLM2', () => {
  test('C-161 I-01 greedy and seeded answers are those of a process that never saw the conversation', async () => {
    const modelPath = await fetchSmolLm2();
    const used = await replicas.start({ modelPath, contextTokens: 1_024, slots: 2, batchTokens: 128 });
    const samplings = [{ temperature: 0 }, { temperature: 0.8, seed: 1 }, { temperature: 1.2, seed: 2 }];
    const story = 'Once there was a lighthouse keeper who wrote letters to the sea, and every evening the tide took them away and brought back small things: '.repeat(6);
    const questions: string[] = [];
    for (const opening of [`${story}shells,`, `${story}nothing at all. The keeper`]) questions.push(`${opening}${(await ask(used.client, opening, { max_tokens: 12 })).text} But the next day`);
    const requests = questions.flatMap((prompt) => samplings.map((sampling) => ({ prompt, sampling })));
    const reused: Said[] = [];
    for (const { prompt, sampling } of requests) reused.push(await ask(used.client, prompt, { sampling }));
    const fresh = await replicas.start({ modelPath, contextTokens: 1_024, slots: 1, batchTokens: 128 });
    const anew: Said[] = [];
    // A scope of its own for each, so that none finds anything.
    for (const [n, { prompt, sampling }] of requests.entries()) anew.push(await ask(fresh.client, prompt, { sampling, prefix_scope: `scope-${n}` }));
    expect(reused.map(({ text }) => text)).toEqual(anew.map(({ text }) => text));
    expect([reused.every(({ cached }) => cached >= 128), anew.every(({ cached }) => cached === 0)]).toEqual([true, true]);
    expect(new Set(reused.map(({ text }) => text)).size).toBeGreaterThan(3);
  }, 600_000);
});
