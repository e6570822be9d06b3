import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordingLog } from '@corral/service-kit';
import { aGenerateRequest, engineClient, eventsOf, writeTinyModel } from '@corral/test-kit';
import { llamacppReplicas, statsOf, textOf, until, type Client } from './running-replica.js';

const replicas = llamacppReplicas();
let dir = '';
let modelPath = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-cancel-'));
  ({ path: modelPath } = await writeTinyModel(join(dir, 'endless.gguf'), { endless: true, embedding: 256, sizeBytes: 11_200_000, contextTokens: 16_384 }));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const CHUNKS_OF_4_000 = Math.ceil(4_001 / 64);
const long = (letter: string) => aGenerateRequest({ max_tokens: 4, input: { type: 'prompt', prompt: letter.repeat(4_000) } });
const activeSlots = async (client: Client): Promise<unknown> => (await client.get('/health')).body['slots_active'];

interface Streaming {
  readonly frames: () => number;
  readonly text: () => string;
  readonly over: Promise<void>;
  leave(): Promise<void>;
}

/** A stream whose frames are counted as they come. */
function stream(client: Client, maxTokens: number | null = null): Streaming {
  const abort = new AbortController();
  let text = '';
  const over = (async () => {
    const { body } = await client.open(aGenerateRequest({ max_tokens: maxTokens, input: { type: 'prompt', prompt: '\n' } }), abort.signal);
    for await (const part of body as AsyncIterable<Buffer>) text += part.toString();
  })().catch(() => undefined);
  return {
    frames: () => text.split('event: token').length - 1,
    text: () => text,
    over,
    leave: async () => {
      abort.abort();
      await over;
    },
  };
}

describe('a client that leaves', () => {
  test('C-126 C-165 in the middle of 4,000 tokens of prompt: at most the running chunk is read, and the slot is free', async () => {
    const { client } = await replicas.start({ modelPath, contextTokens: 8_192, slots: 1 });
    for (const letter of ['a', 'b', 'c', 'd', 'e']) {
      const before = await statsOf(client);
      const abort = new AbortController();
      const left = client.generate(long(letter), abort.signal).catch(() => 'left');
      await until(async () => (await statsOf(client)).prefill_chunks >= before.prefill_chunks + 2);
      abort.abort();
      expect(await left).toBe('left');
      await until(async () => (await activeSlots(client)) === 0);
      const after = await statsOf(client);
      expect(after.prefill_chunks - before.prefill_chunks).toBeLessThan(CHUNKS_OF_4_000);
      expect(after.chunks_after_stop - before.chunks_after_stop).toBeLessThanOrEqual(1);
      expect([after.tokens_after_stop, after.decode_steps]).toEqual([0, 0]);
    }
    expect((await statsOf(client)).chunks_after_stop).toBeGreaterThan(0);
  });

  test('C-126 C-165 while it decodes: at most the running token is sampled', async () => {
    const { client } = await replicas.start({ modelPath, contextTokens: 8_192, slots: 1 });
    for (let n = 1; n <= 10; n += 1) {
      const one = stream(client);
      await until(() => Promise.resolve(one.frames() > 3));
      await one.leave();
      await until(async () => (await activeSlots(client)) === 0);
      expect((await statsOf(client)).tokens_after_stop).toBeLessThanOrEqual(n);
      const { decode_steps } = await statsOf(client);
      expect((await statsOf(client)).decode_steps).toBe(decode_steps);
    }
  });

  test('C-125 C-165 the others never notice: none misses a step, and each says what it says alone', async () => {
    const { client } = await replicas.start({ modelPath, contextTokens: 8_192, slots: 4 });
    const alone = textOf((await client.generate(aGenerateRequest({ max_tokens: 1_200, input: { type: 'prompt', prompt: '\n' } }))).text);
    const [first, second] = [stream(client, 1_200), stream(client, 1_200)];
    await until(() => Promise.resolve(first.frames() > 0 && second.frames() > 0));
    for (const letter of ['a', 'b', 'c', 'd']) {
      const before = await statsOf(client);
      const abort = new AbortController();
      const [reading, decoding] = [client.generate(long(letter), abort.signal).catch(() => 'left'), stream(client)];
      await until(async () => (await statsOf(client)).prefill_chunks >= before.prefill_chunks + 3 && decoding.frames() > 2);
      abort.abort();
      await Promise.all([reading, decoding.leave()]);
      await until(async () => (await activeSlots(client)) === 2);
      const after = await statsOf(client);
      // Between two steps at most one chunk is read: as many steps as chunks at least.
      expect(after.decode_steps - before.decode_steps).toBeGreaterThanOrEqual(after.prefill_chunks - before.prefill_chunks - 2);
      expect(after.chunks_after_stop - before.chunks_after_stop).toBeLessThanOrEqual(1);
      expect(after.tokens_after_stop - before.tokens_after_stop).toBeLessThanOrEqual(1);
    }
    await Promise.all([first.over, second.over]);
    expect([textOf(first.text()), textOf(second.text())]).toEqual([alone, alone]);
    expect(eventsOf(first.text()).at(-1)?.data).toEqual(expect.objectContaining({ tokens_out: 1_200, finish_reason: 'length' }));
  }, 600_000);
});

interface Measured {
  readonly heapBytes: number;
  readonly nativeBytes: number;
}

/** One generation that is given up: every third in its prompt, the others after some tokens. */
async function giveUp(client: Client, n: number): Promise<void> {
  const abort = new AbortController();
  const inPrompt = n % 3 === 0;
  const prompt = String.fromCharCode(97 + (n % 26)).repeat(inPrompt ? 1_000 + ((n * 37) % 2_500) : 5 + ((n * 13) % 200));
  const opened = client.open(aGenerateRequest({ input: { type: 'prompt', prompt } }), abort.signal);
  if (inPrompt) setTimeout(() => abort.abort(), n % 20);
  await opened.then(async ({ body }) => {
    let bytes = 0;
    for await (const part of body as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > 300 + ((n * 101) % 2_000)) abort.abort();
    }
  }).catch(() => undefined);
}

describe('2,000 clients that leave', () => {
  test('C-166 neither memory nor open files grow, and the last is served as the first', async () => {
    const { path } = await writeTinyModel(join(dir, 'one-layer.gguf'), { endless: true });
    const { log, lines } = recordingLog();
    const worker = fileURLToPath(new URL('./measured-worker.mjs', import.meta.url));
    const { replica, client: observer } = await replicas.start({ modelPath: path, contextTokens: 4_096, slots: 4 }, { log, worker });
    const openFiles = async (): Promise<number> => (await readdir(`/proc/${replica.pid}/fd`)).length;
    await activeSlots(observer);
    const filesBefore = await openFiles();
    const measured = (): readonly Measured[] =>
      lines.flatMap(({ fields }) => ('line' in fields && String(fields.line).startsWith('measured ') ? [JSON.parse(String(fields.line).slice('measured '.length)) as Measured] : []));
    const leave = async (count: number): Promise<Measured | undefined> => {
      const client = engineClient(replica.socketPath);
      let begun = 0;
      const lane = async (): Promise<void> => {
        while (begun < count) await giveUp(client, begun++);
      };
      await Promise.all([lane(), lane(), lane(), lane()]);
      await client.close();
      await until(async () => (await activeSlots(observer)) === 0 && (await openFiles()) === filesBefore);
      const before = measured().length;
      process.kill(replica.pid, 'SIGUSR2');
      await until(() => Promise.resolve(measured().length > before));
      return measured().at(-1);
    };
    const [warm, after] = [await leave(1_000), await leave(1_000)];
    expect((after?.heapBytes ?? NaN) - (warm?.heapBytes ?? NaN)).toBeLessThan(1_000_000);
    expect((after?.nativeBytes ?? NaN) - (warm?.nativeBytes ?? NaN)).toBeLessThan(16_000_000);
    const { chunks_after_stop, tokens_after_stop } = await statsOf(observer);
    expect(chunks_after_stop + tokens_after_stop).toBeLessThanOrEqual(2_000);
    expect((await observer.generate(aGenerateRequest({ max_tokens: 3 }))).status).toBe(200);
  }, 600_000);
});
