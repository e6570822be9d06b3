import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordingLog } from '@corral/service-kit';
import { aGenerateRequest, eventsOf, writeTinyModel, type TinyModelOptions } from '@corral/test-kit';
import { llamacppReplicas, statsOf, textOf, until } from './running-replica.js';

const replicas = llamacppReplicas();
let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-tiny-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const model = async (name: string, options: TinyModelOptions = {}): Promise<string> => (await writeTinyModel(join(dir, `${name}.gguf`), options)).path;
/** Slow enough that requests overlap, whatever the machine. */
const endless = (): Promise<string> => model('endless', { endless: true, embedding: 256, sizeBytes: 12_000_000, contextTokens: 16_384 });
const CHAIN = ` ${Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).join('')}${Array.from({ length: 156 }, (_, n) => ` w${n}`).join('')}`;

describe('llama.cpp on tiny models: text', () => {
  test.each(['F32', 'F16', 'Q8_0', 'Q4_0'] as const)('C-136 I-01 a chain model in %s says exactly its chain, from the last character of the prompt on', async (type) => {
    const { client } = await replicas.start({ modelPath: await model(type, { type }), contextTokens: 512 });
    const say = async (prompt: string) => textOf((await client.generate(aGenerateRequest({ input: { type: 'prompt', prompt } }))).text);
    expect([await say('\n'), await say('go on from >')]).toEqual([CHAIN, CHAIN.slice(CHAIN.indexOf('?'))]);
  });

  test('C-128 characters of several tokens come whole, one frame per token', async () => {
    const chain = ['H', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>', '<0xC3>', '<0xA9>', '!'];
    const { client } = await replicas.start({ modelPath: await model('utf8', { chain }) });
    const { text } = await client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: '\n' } }));
    expect(eventsOf(text).slice(0, -1).map(({ data }) => data)).toEqual(['H', '', '', '', '😀', '', 'é', '!'].map((t, i) => ({ t, i })));
  });

  test('C-128 an answer that is cut inside a character has no half of it', async () => {
    const { client } = await replicas.start({ modelPath: await model('cut', { chain: ['H', '<0xF0>', '<0x9F>', '<0x98>', '<0x80>'] }) });
    const { text } = await client.generate(aGenerateRequest({ max_tokens: 3, input: { type: 'prompt', prompt: '\n' } }));
    expect([textOf(text), eventsOf(text).at(-1)?.data]).toEqual(['H', expect.objectContaining({ tokens_out: 3, finish_reason: 'length' })]);
  });

  test('C-128 spaces before marks stay, where the engine would clean them away', async () => {
    const { client } = await replicas.start({ modelPath: await model('bpe', { vocabulary: 'bpe', chain: ['Ġw0', 'Ġ,', 'Ġw1', 'Ġ!', 'Ġ?'] }) });
    expect(textOf((await client.generate(aGenerateRequest())).text)).toBe(' w0 , w1 ! ?');
  });

  test('C-128 a stop string across tokens ends the answer before it', async () => {
    const { client } = await replicas.start({ modelPath: await model('stop') });
    const { text } = await client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: '\n' }, sampling: { stop: ['xyz', '%&('] } }));
    expect([textOf(text), eventsOf(text).at(-1)?.data]).toEqual([CHAIN.slice(0, CHAIN.indexOf('xyz')), expect.objectContaining({ finish_reason: 'stop' })]);
  });

  test('C-127 an answer ends at the context, and the beginning was never dropped', async () => {
    const { client } = await replicas.start({ modelPath: await endless(), contextTokens: 256, slots: 1 });
    const { text } = await client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: 'ten tokens' } }));
    const { tokens_in, tokens_out, finish_reason } = (eventsOf(text).at(-1)?.data ?? {}) as Record<string, number>;
    expect([Number(tokens_in) + Number(tokens_out), finish_reason]).toEqual([256, 'length']);
    expect((await client.generate(aGenerateRequest({ max_tokens: 1, input: { type: 'prompt', prompt: 'x'.repeat(254) } }))).status).toBe(200);
    expect((await client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: 'x'.repeat(255) } }))).status).toBe(400);
  });

  test('C-127 more context than the model was trained for is not reserved', async () => {
    const { replica } = await replicas.start({ modelPath: await model('short', { contextTokens: 512 }), contextTokens: 100_000_000 });
    expect(replica.info.contextTokens).toBe(512);
  });

  test('C-133 a model without a chat template refuses messages with a hint, and takes a prompt', async () => {
    const { client, replica } = await replicas.start({ modelPath: await model('plain', { chatTemplate: null }) });
    const chat = await client.generate(aGenerateRequest({ input: { type: 'messages', messages: [{ role: 'user', content: 'hi' }] } }));
    expect([replica.info.hasChatTemplate, chat.status, JSON.parse(chat.text)]).toEqual([
      false,
      400,
      { code: 'INVALID_PARAMS', message: expect.any(String), retriable: false, field: 'input.messages', hint: expect.stringContaining('prompt') },
    ]);
    expect((await client.generate(aGenerateRequest())).status).toBe(200);
  });
});

describe('llama.cpp on tiny models: the shared batch', () => {
  test('C-124 C-162 four sequences take as many steps as one, each step one graph, as llama.cpp counts them itself, and each prompt one more', async () => {
    const { log, lines } = recordingLog();
    const { client } = await replicas.start({ modelPath: await endless(), contextTokens: 2_048 }, { env: { LLAMA_BATCH_DEBUG: '1' }, log });
    const graphs = (): number => lines.filter(({ fields }) => 'line' in fields && String(fields.line).includes('added ubatch to split')).length;
    const graphsAtLoad = graphs();
    const four = (maxTokens: number) => Promise.all([1, 2, 3, 4].map(() => client.generate(aGenerateRequest({ max_tokens: maxTokens, input: { type: 'prompt', prompt: '\n' } }))));
    // Connections that are open bring the four requests as close together as can be.
    await four(1);
    const before = await statsOf(client);
    await four(300);
    const after = await statsOf(client);
    const since = (name: 'decode_steps' | 'decoded_tokens' | 'prefill_chunks' | 'decode_micro_batches') => after[name] - before[name];
    // The four requests do not arrive in the same moment; without the gathering it would be a third more steps.
    expect(since('decode_steps')).toBeGreaterThanOrEqual(299);
    expect(since('decode_steps')).toBeLessThan(360);
    expect([since('decoded_tokens'), since('prefill_chunks'), since('decode_micro_batches')]).toEqual([4 * 299, 4, since('decode_steps')]);
    const counted = after.decode_steps + after.prefill_chunks;
    await until(() => Promise.resolve(graphs() - graphsAtLoad >= counted));
    expect(graphs() - graphsAtLoad).toBe(counted);
  });

  test('C-125 a stream goes on, a token per batch, while a long prompt is read in a lower slot and could fill every batch', async () => {
    const { client } = await replicas.start({ modelPath: await endless(), contextTokens: 4_096, slots: 2, batchTokens: 64, prefillChunkTokens: 64 });
    const [first, second] = [new AbortController(), new AbortController()];
    const inSlot0 = client.generate(aGenerateRequest(), first.signal).catch(() => null);
    await until(async () => (await statsOf(client)).decode_steps > 0);
    let frames = 0;
    const inSlot1 = (async () => {
      const { body } = await client.open(aGenerateRequest(), second.signal);
      for await (const chunk of body as AsyncIterable<Buffer>) frames += chunk.toString().split('event: token').length - 1;
    })().catch(() => null);
    await until(() => Promise.resolve(frames > 0));
    first.abort();
    await inSlot0;
    await until(async () => (await client.get('/health')).body['slots_active'] === 1);
    const chunksBefore = (await statsOf(client)).prefill_chunks;
    const framesBefore = frames;
    await client.generate(aGenerateRequest({ max_tokens: 1, input: { type: 'prompt', prompt: 'x'.repeat(2_000) } }));
    const framesMeanwhile = frames - framesBefore;
    expect((await statsOf(client)).prefill_chunks - chunksBefore).toBeGreaterThanOrEqual(31);
    expect(framesMeanwhile).toBeGreaterThanOrEqual(25);
    second.abort();
    await inSlot1;
  });

  test('C-126 a freed slot is taken again although the others never pause', async () => {
    const { client } = await replicas.start({ modelPath: await endless(), contextTokens: 16_384, slots: 3 });
    const leave = new AbortController();
    const others = [1, 2].map(() => client.generate(aGenerateRequest(), leave.signal).catch(() => 'left'));
    await until(async () => (await statsOf(client)).sequences_per_step[2] !== 0);
    for (let n = 0; n < 3; n += 1) expect((await client.generate(aGenerateRequest({ max_tokens: 3 }))).status).toBe(200);
    leave.abort();
    expect(await Promise.all(others)).toEqual(['left', 'left']);
  });

  test('T-30 C-126 a client that leaves while its prompt is read stops it within a chunk', async () => {
    const { client } = await replicas.start({ modelPath: await endless(), contextTokens: 16_384, slots: 1 });
    const leave = new AbortController();
    const left = client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: 'x'.repeat(16_000) } }), leave.signal).catch(() => 'left');
    await until(async () => (await statsOf(client)).prefill_chunks > 0);
    leave.abort();
    expect(await left).toBe('left');
    await until(async () => (await client.get('/health')).body['slots_active'] === 0);
    const stats = await statsOf(client);
    expect([stats.chunks_after_stop, stats.tokens_after_stop]).toEqual([expect.any(Number), 0]);
    expect(stats.chunks_after_stop).toBeLessThanOrEqual(1);
    // That is of those that followed the stop at the worker; when it gets there is the machine's matter, but 250 would be the whole prompt.
    expect(stats.prefill_chunks).toBeLessThan(250);
  });

  test('C-126 I-01 a slot is as new for the next request, while others go on decoding', async () => {
    const { client } = await replicas.start({ modelPath: await model('random', { mode: 'random', type: 'F32', sizeBytes: 8_000_000, embedding: 256 }), contextTokens: 4_096, slots: 2 });
    const short = (prompt: string) => client.generate(aGenerateRequest({ max_tokens: 24, input: { type: 'prompt', prompt } })).then(({ text }) => textOf(text));
    const leave = new AbortController();
    const other = client.generate(aGenerateRequest({ input: { type: 'prompt', prompt: 'the other one' } }), leave.signal).catch(() => 'left');
    await until(async () => (await statsOf(client)).decode_steps > 0);
    const said: string[] = [];
    for (const prompt of ['once upon a time', 'something else', 'once upon a time', 'a third', 'once upon a time']) said.push(await short(prompt));
    leave.abort();
    expect(await other).toBe('left');
    expect([said[2], said[4]]).toEqual([said[0], said[0]]);
  });
});
