import { cpSync, readdirSync, readFileSync, statSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ReplicaSpec } from '@corral/engine';
import { recordingLog } from '@corral/service-kit';
import { aGenerateRequest, fetchSmolLm2, writeTinyModel, type GenerateChanges } from '@corral/test-kit';
import { encodePrefixHeader, type PrefixHeader } from '../src/llamacpp/prefix-header.js';
import { llamacppReplicas, statsOf, textOf, type Client } from './running-replica.js';

const replicas = llamacppReplicas();
let dir = '';
let folders = 0;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-kept-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const aFolder = (): string => join(dir, `kept-${(folders += 1)}`);
const digestOf = (name: string): string => `sha256:${Buffer.from(name.padEnd(32)).toString('hex')}`;
const letters = (count: number, salt: number): string => Array.from({ length: count }, (_, n) => String.fromCharCode(97 + ((n * 7 + salt * 11 + ((n * n) % 13)) % 26))).join('');
const aModel = async (name: string): Promise<string> => (await writeTinyModel(join(dir, `${name}.gguf`), { mode: 'random', type: 'Q8_0', contextTokens: 4_096 })).path;

interface Said {
  readonly text: string;
  readonly cached: number;
}

async function ask(client: Client, prompt: string, changes: GenerateChanges = {}): Promise<Said> {
  const { text, trailers } = await client.generate(aGenerateRequest({ max_tokens: 16, ...changes, input: { type: 'prompt', prompt } }));
  return { text: textOf(text), cached: (JSON.parse(trailers['x-corral-usage'] ?? '{}') as { tokens_cached: number }).tokens_cached };
}

/** A replica of a tiny model that said something after `prompt` and has left what it held in the folder. */
async function keep(prefixFolder: string, prompts: readonly string[], spec: Partial<ReplicaSpec> = {}, maxBytes = 1e9) {
  const { replica, client } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 2, prefixFolder, ...spec });
  for (const prompt of prompts) await ask(client, prompt);
  const saved = await replica.savePrefixes({ maxBytes });
  await replica.stop(5_000);
  return saved;
}

function headerIn(folder: string, slot = 0): { readonly path: string; readonly header: PrefixHeader } {
  const path = join(folder, `slot-${slot}.json`);
  return { path, header: JSON.parse(readFileSync(path, 'utf8').split('\n')[1] ?? '') as PrefixHeader };
}

describe('kept prefixes on SmolLM2', () => {
  test('C-243 I-01 a conversation of more than 1,000 tokens goes on after a stop and a start as if nothing had been', async () => {
    const story = 'Once there was a lighthouse keeper who wrote letters to the sea, and every evening the tide took them away and brought back small things: '.repeat(40);
    const spec = { modelPath: await fetchSmolLm2(), digest: digestOf('smollm2'), contextTokens: 2_048, slots: 2, batchTokens: 128, prefixFolder: aFolder() };
    const question = `${story}shells, and the keeper said`;
    const before = await replicas.start(spec);
    await ask(before.client, `${story}stones.`);
    const live = await ask(before.client, question, { max_tokens: 24 });
    const saved = await before.replica.savePrefixes({ maxBytes: 1e9 });
    await before.replica.stop(5_000);
    const after = await replicas.start(spec);
    // A slot that was used for something else in between still finds what was kept.
    await ask(after.client, 'Hello');
    const restored = await ask(after.client, question, { max_tokens: 24 });
    const sampled = await ask(after.client, question, { max_tokens: 24, sampling: { temperature: 0.8, seed: 3 } });
    const anew = await ask(after.client, question, { max_tokens: 24, prefix_scope: 'nobody' });
    const sampledAnew = await ask(after.client, question, { max_tokens: 24, prefix_scope: 'nobody else', sampling: { temperature: 0.8, seed: 3 } });
    expect(saved).toEqual({ prefixes: 1, tokens: restored.cached, sizeBytes: expect.any(Number) });
    expect(restored.cached).toBeGreaterThan(1_000);
    expect([restored.text, sampled.text, live]).toEqual([anew.text, sampledAnew.text, restored]);
    expect([anew.cached, sampledAnew.cached]).toEqual([0, 0]);
  }, 600_000);
});

describe('kept prefixes', () => {
  const prompt = letters(300, 1);

  test('C-243 both slots come back, and a resume finds them like a load', async () => {
    const prefixFolder = aFolder();
    const other = letters(400, 9);
    expect(await keep(prefixFolder, [prompt, other])).toMatchObject({ prefixes: 2, tokens: 256 + 384 });
    const { replica, client } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 2, prefixFolder });
    expect([(await ask(client, prompt)).cached, (await ask(client, other)).cached]).toEqual([256, 384]);
    await replica.park();
    await replica.resume();
    expect([(await ask(client, other)).cached, (await ask(client, prompt)).cached]).toEqual([384, 256]);
    expect(await statsOf(client)).toMatchObject({ prefix_hits: 4 });
    // Nothing is written again that lies there already.
    const names = readdirSync(prefixFolder).toSorted();
    await replica.savePrefixes({ maxBytes: 1e9 });
    expect(readdirSync(prefixFolder).toSorted()).toEqual(names);
  }, 600_000);

  test('C-245 what one org left is nothing to another, and its name is in no file', async () => {
    const prefixFolder = aFolder();
    const { replica, client } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 1, prefixFolder });
    await ask(client, prompt, { prefix_scope: 'acme-of-the-north' });
    await replica.savePrefixes({ maxBytes: 1e9 });
    await replica.park();
    await replica.resume();
    const asked = [await ask(client, prompt, { prefix_scope: 'acme' }), await ask(client, prompt, { prefix_scope: 'acme-of-the-north' })];
    expect(asked.map(({ cached }) => cached)).toEqual([0, 256]);
    expect(readdirSync(prefixFolder).map((name) => readFileSync(join(prefixFolder, name)).includes('acme'))).toEqual([false, false]);
  }, 600_000);

  test('C-247 what does not fit is cut at its end, the newest first; what was kept before leaves when less may be', async () => {
    const prefixFolder = aFolder();
    const whole = await keep(prefixFolder, [prompt], { slots: 1 });
    const perToken = whole.sizeBytes / whole.tokens;
    expect(whole.tokens).toBe(256);
    const cut = await keep(aFolder(), [prompt, letters(300, 5)], {}, Math.ceil(perToken * 256 * 2.2));
    expect(cut.sizeBytes).toBeLessThanOrEqual(perToken * 256 * 2.2);
    expect([cut.prefixes, cut.tokens]).toEqual([2, 512]);
    const tight = await keep(aFolder(), [letters(300, 5), prompt], {}, Math.ceil(perToken * 256 * 1.6));
    expect([tight.prefixes, tight.tokens]).toEqual([2, 256 + 128]);
    const { replica } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 1, prefixFolder });
    expect([await replica.savePrefixes({ maxBytes: 10 }), readdirSync(prefixFolder)]).toEqual([{ prefixes: 0, tokens: 0, sizeBytes: 0 }, []]);
  }, 600_000);

  test('C-243 short prompts are not worth a file, and a folder that cannot be written costs nothing else', async () => {
    expect(await keep(aFolder(), [letters(60, 1)])).toEqual({ prefixes: 0, tokens: 0, sizeBytes: 0 });
    const below = join(dir, 'a-file');
    writeFileSync(below, '');
    expect(await keep(join(below, 'kept'), [prompt])).toEqual({ prefixes: 0, tokens: 0, sizeBytes: 0 });
  }, 600_000);

  let once: Promise<string> | null = null;
  const keptOnce = (): Promise<string> => {
    const folder = aFolder();
    return (once ??= keep(folder, [prompt], { slots: 1 }).then(() => folder));
  };
  const damage: readonly (readonly [string, (folder: string) => void, Partial<ReplicaSpec>?])[] = [
    ['a truncated state', (folder) => truncateSync(join(folder, headerIn(folder).header.file), 10_000)],
    ['a state with one bit flipped', (folder) => flip(join(folder, headerIn(folder).header.file), 5_000)],
    ['a state of the same length of something else', (folder) => writeFileSync(join(folder, headerIn(folder).header.file), Buffer.alloc(headerIn(folder).header.sizeBytes, 7))],
    ['a missing state', (folder) => unlinkSync(join(folder, headerIn(folder).header.file))],
    ['a header with one bit flipped', (folder) => flip(headerIn(folder).path, 120)],
    ['an empty header', (folder) => writeFileSync(headerIn(folder).path, '')],
    ['another version of the engine', (folder) => rewrite(folder, ({ identity }) => ({ identity: { ...identity, engine: 'node-llama-cpp-3.22.0' } }))],
    ['another slot than its name says', (folder) => rewrite(folder, () => ({ slot: 1 }))],
    ['a state outside of the folder', (folder) => rewrite(folder, () => ({ file: '../slot-0-0123456789abcdef.kv' }))],
    ['other tokens than the state has', (folder) => rewrite(folder, ({ tokens }) => ({ tokens: [...tokens.slice(0, -1), 3] }))],
    ['another context size', () => undefined, { contextTokens: 2_048 }],
    ['another number of slots', () => undefined, { slots: 2 }],
    ['another chunk size', () => undefined, { prefillChunkTokens: 32 }],
    ['another batch size', () => undefined, { batchTokens: 256 }],
    ['weights of another digest in the same shape', () => undefined, { digest: digestOf('other') }],
  ];
  test.each(damage)('C-244 %s: dropped with a reason, and the process lives', async (name, spoil, change = {}) => {
    const prefixFolder = aFolder();
    cpSync(await keptOnce(), prefixFolder, { recursive: true });
    spoil(prefixFolder);
    const { log, lines } = recordingLog();
    const { replica, client } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 1, prefixFolder, ...change }, { log });
    const asked = await ask(client, prompt);
    const again = await ask(client, prompt, { prefix_scope: 'nobody' });
    expect([asked.cached, asked.text]).toEqual([0, again.text]);
    expect([(await client.get('/health')).status, existing(prefixFolder)]).toEqual([200, []]);
    await replica.stop(5_000);
    expect([name, lines.some(({ fields }) => 'line' in fields && String(fields.line).includes('a kept prefix is not used'))]).toEqual([name, true]);
  }, 600_000);

  test('C-244 what ended the process that read it is not read again', async () => {
    const prefixFolder = aFolder();
    cpSync(await keptOnce(), prefixFolder, { recursive: true });
    // As a process leaves it that dies while the engine reads.
    unlinkSync(headerIn(prefixFolder).path);
    const { client } = await replicas.start({ modelPath: await aModel('small'), digest: digestOf('small'), contextTokens: 1_024, slots: 1, prefixFolder });
    expect((await ask(client, prompt)).cached).toBe(0);
  }, 600_000);
});

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 4;
  writeFileSync(path, bytes);
}

/** A header that is whole and says something else. */
function rewrite(folder: string, change: (header: PrefixHeader) => Partial<PrefixHeader>): void {
  const { path, header } = headerIn(folder);
  const { format: _, ...rest } = header as PrefixHeader & { readonly format: number };
  writeFileSync(path, encodePrefixHeader({ ...rest, ...change(header) }));
}

/** Headers that are left: a state without one is never read. */
function existing(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.json') && statSync(join(folder, name)).isFile());
}
