import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createLlamacppEngine, type EngineProvider, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { recordingLog, silentLog, systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, eventually, fetchSmolLm2, llamacppPrograms, writeTinyModel, type TinyModelOptions } from '@corral/test-kit';
import { textOf } from './running-replica.js';

const programs = llamacppPrograms();
const silent = { signal: new AbortController().signal, log: silentLog };
let dir = '';
const replicas: EngineReplica[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-fast-'));
  const [code] = await once(spawn(process.execPath, [fileURLToPath(new URL('../build.mjs', import.meta.url))], { stdio: 'inherit' }), 'exit');
  expect(code).toBe(0);
}, 600_000);
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.stop(0)));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const engineWith = (cacheDir: string | null, change: Partial<typeof programs> = {}, log = silentLog): EngineProvider =>
  createLlamacppEngine({ env: process.env, clock: systemClock, log, programs: { ...programs, ...change }, ...(cacheDir !== null && { cacheDir }) });
const cacheOf = (name: string): string => join(dir, `${name}-cache`);
const aSpec = (modelPath: string, digest: string | null, change: Partial<ReplicaSpec> = {}): ReplicaSpec => ({
  replicaId: 'r1', modelPath, digest, deviceKind: 'cpu', deviceMask: '', contextTokens: 512, slots: 2, threads: 1, batchTokens: 128, prefillChunkTokens: 64, weightsIo: 'mmap', ...change,
});
const digestOf = async (path: string): Promise<string> => `sha256:${createHash('sha256').update(await readFile(path)).digest('hex')}`;
async function aModel(name: string, options: TinyModelOptions = {}): Promise<{ readonly path: string; readonly digest: string }> {
  const { path } = await writeTinyModel(join(dir, `${name}.gguf`), options);
  return { path, digest: await digestOf(path) };
}
const inspect = (engine: EngineProvider, { path, digest }: { readonly path: string; readonly digest: string }) => engine.inspect(path, { deviceKind: 'cpu', batchTokens: 128, digest });
async function start(engine: EngineProvider, spec: ReplicaSpec): Promise<EngineReplica> {
  const replica = await engine.start(spec, silent);
  replicas.push(replica);
  return replica;
}
async function say({ socketPath }: EngineReplica, input: Parameters<typeof aGenerateRequest>[0] = { input: { type: 'prompt', prompt: 'once upon a time' } }): Promise<string> {
  const client = engineClient(socketPath);
  try {
    return textOf((await client.generate(aGenerateRequest({ max_tokens: 16, ...input }))).text);
  } finally {
    await client.close();
  }
}
const programOf = async ({ pid }: EngineReplica): Promise<string> => (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')[1] ?? '';
const rememberedIn = async (folder: string): Promise<readonly string[]> => (await readdir(folder)).filter((name) => name.endsWith('.json')).map((name) => join(folder, name));

describe('the fast way to load', () => {
  test('C-152 C-154 both ways say the same, and the fast one neither reads the header nor simulates', async () => {
    const models = [await aModel('spm', { mode: 'random', type: 'F32', sizeBytes: 8_000_000, embedding: 256 }), await aModel('bpe', { vocabulary: 'bpe', mode: 'random' })];
    const engine = engineWith(cacheOf('same'));
    for (const model of models) {
      await inspect(engine, model);
      const [fast, direct, anew] = [await start(engine, aSpec(model.path, model.digest)), await start(engine, aSpec(model.path, model.digest, { weightsIo: 'direct_io' })), await start(engineWith(null), aSpec(model.path, model.digest))];
      expect([fast.info.loadPath, direct.info.loadPath, anew.info.loadPath]).toEqual(['fast', 'fast', 'public']);
      const said = await say(anew);
      expect([await say(fast), await say(direct), { ...fast.info, loadMs: 0, loadPath: '' }]).toEqual([said, said, { ...anew.info, loadMs: 0, loadPath: '' }]);
    }
  }, 600_000);

  test('C-152 I-01 SmolLM2 answers the same messages the same on both ways', async () => {
    const path = await fetchSmolLm2();
    const model = { path, digest: await digestOf(path) };
    const engine = engineWith(cacheOf('smollm2'));
    await inspect(engine, model);
    const [fast, anew] = [await start(engine, aSpec(path, model.digest)), await start(engineWith(null), aSpec(path, null))];
    const question: Parameters<typeof say>[1] = { sampling: { temperature: 0 }, input: { type: 'messages', messages: [{ role: 'user', content: 'Name three colours.' }] } };
    expect([fast.info.loadPath, anew.info.loadPath, await say(fast, question)]).toEqual(['fast', 'public', await say(anew, question)]);
  }, 600_000);

  test('C-152 without a memory, with a broken one and for a file of another size the engine reads the file', async () => {
    const model = await aModel('broken', { mode: 'random' });
    const folder = cacheOf('broken');
    const engine = engineWith(folder);
    const paths: string[] = [];
    // A replica that stays has its file looked at after a while, which would mend what is broken here.
    const load = async (): Promise<void> => {
      const replica = await start(engine, aSpec(model.path, model.digest));
      paths.push(replica.info.loadPath);
      await replica.stop(0);
    };
    await load();
    await inspect(engine, model);
    const [file = ''] = await rememberedIn(folder);
    const whole = await readFile(file, 'utf8');
    for (const text of [whole, whole.slice(0, 500), whole.replace('"general"', '"genera1"'), '']) {
      await writeFile(file, text);
      await load();
    }
    await writeFile(file, whole);
    await writeTinyModel(model.path, { mode: 'random', sizeBytes: 2_000_000 });
    await load();
    expect(paths).toEqual(['public', 'fast', 'public', 'public', 'public', 'public']);
  }, 600_000);

  test('C-152 C-127 what the engine refuses it refuses on both ways, and the context is cut on both', async () => {
    const model = await aModel('vast', { contextTokens: 4_000_000, embedding: 512, sizeBytes: 8_000_000 });
    const small = await aModel('small', { contextTokens: 512 });
    const engine = engineWith(cacheOf('refused'));
    await inspect(engine, model);
    await inspect(engine, small);
    expect((await start(engine, aSpec(model.path, model.digest))).info.loadPath).toBe('fast');
    for (const each of [engine, engineWith(null)]) {
      await expect(each.start(aSpec(model.path, model.digest, { contextTokens: 4_000_000, slots: 32 }), silent)).rejects.toMatchObject({ kind: 'out_of_memory' });
      expect((await start(each, aSpec(small.path, small.digest, { contextTokens: 100_000_000 }))).info.contextTokens).toBe(512);
    }
  }, 600_000);

  test('C-152 a memory that asks for more than there is does not have the last word', async () => {
    const model = await aModel('greedy', { mode: 'random' });
    const folder = cacheOf('greedy');
    const engine = engineWith(folder);
    await inspect(engine, model);
    const [file = ''] = await rememberedIn(folder);
    const [head = '', body = ''] = (await readFile(file, 'utf8')).split('\n');
    const changed = JSON.stringify({ ...(JSON.parse(body) as object), context: { batchTokens: 128, cpuRam: { baseBytes: 1e15, perCellBytes: 0 }, gpuVram: { baseBytes: 0, perCellBytes: 0 } } });
    await writeFile(file, `${JSON.stringify({ ...(JSON.parse(head) as object), checksum: createHash('sha256').update(changed).digest('hex') })}\n${changed}\n`);
    const replica = await start(engine, aSpec(model.path, model.digest));
    expect([replica.info.loadPath, (await say(replica)).length > 0]).toEqual(['public', true]);
  }, 600_000);

  test('C-155 a file that was loaded without a memory has one soon, and the next load is fast', async () => {
    const model = await aModel('later', { mode: 'random' });
    const folder = cacheOf('later');
    const engine = engineWith(folder);
    const first = await start(engine, aSpec(model.path, model.digest));
    await eventually('it is remembered', 60_000, async () => (await rememberedIn(folder)).length === 1);
    expect([first.info.loadPath, (await start(engine, aSpec(model.path, model.digest))).info.loadPath]).toEqual(['public', 'fast']);
  }, 600_000);
});

describe('the fast way to start', () => {
  test('C-153 the binary is tested once: before the first process that waits, by the first one that loads, or by who inspects', async () => {
    const model = await aModel('tested');
    const waiting = engineWith(cacheOf('waiting'));
    const standby = waiting.standBy({ deviceKind: 'cpu', deviceMask: '' }, { workers: 1, log: silentLog, onChange: () => undefined });
    await eventually('a process waits', 60_000, () => Promise.resolve(standby.state.ready === 1));
    const loading = engineWith(cacheOf('loading'));
    const inspecting = engineWith(cacheOf('inspecting'));
    await inspect(inspecting, model);
    const started = [await start(waiting, aSpec(model.path, null)), await start(loading, aSpec(model.path, null)), await start(loading, aSpec(model.path, null)), await start(inspecting, aSpec(model.path, null))];
    await standby.close();
    expect(await Promise.all(started.map(programOf))).toEqual([programs.bundle, programs.worker, programs.bundle, programs.bundle]);
  }, 600_000);

  test('C-153 a binary that was trusted and does not start is tested anew by the same load', async () => {
    const model = await aModel('distrusted');
    const folder = cacheOf('distrusted');
    const bundle = join(dir, 'dying/worker.js');
    await mkdir(join(dir, 'dying'));
    await writeFile(bundle, `console.error('illegal instruction'); process.exit(132);`);
    await writeFile(join(dir, 'dying/inputs.json'), JSON.stringify({ ...(JSON.parse(await readFile(join(programs.bundle, '../inputs.json'), 'utf8')) as object), files: {} }));
    const { log, lines } = recordingLog();
    const engine = engineWith(folder, { bundle }, log);
    await inspect(engine, model);
    const marks = async (): Promise<number> => (await readdir(folder)).filter((name) => name.startsWith('self-test-')).length;
    expect(await marks()).toBe(1);
    const replica = await engine.start(aSpec(model.path, null), { ...silent, log });
    replicas.push(replica);
    expect([await programOf(replica), lines.some(({ fields }) => 'line' in fields && fields.line === 'illegal instruction')]).toEqual([programs.worker, true]);
  }, 600_000);

  test('C-153 a binary that is gone is looked for by the worker itself', async () => {
    const model = await aModel('moved');
    const folder = cacheOf('moved');
    const trusted = { binary: join(dir, 'nowhere/llama-addon.node'), publicModule: new URL(`file://${join(programs.worker, '../open-public.js')}`).href };
    const entry = join(dir, 'misled.mjs');
    await mkdir(folder);
    await writeFile(entry, `const args = JSON.parse(process.argv[2]); process.argv[2] = JSON.stringify({ ...args, trusted: ${JSON.stringify(trusted)} }); await import(${JSON.stringify(programs.bundle)});`);
    const replica = await start(engineWith(folder, { worker: entry }), aSpec(model.path, null));
    expect([await programOf(replica), replica.info.loadPath, (await say(replica)).length > 0]).toEqual([entry, 'public', true]);
  }, 600_000);

  test('C-156 without a current bundle and without a cache the worker in many files serves', async () => {
    const model = await aModel('plain');
    const stale = engineWith(cacheOf('stale'), { bundle: join(dir, 'no-such-bundle/worker.js') });
    await inspect(stale, model);
    const below = join(dir, 'a file');
    await writeFile(below, '');
    const started = [await start(stale, aSpec(model.path, model.digest)), await start(engineWith(join(below, 'cache')), aSpec(model.path, model.digest))];
    expect([await Promise.all(started.map(programOf)), started.map(({ info }) => info.loadPath)]).toEqual([[programs.worker, programs.worker], ['public', 'public']]);
  }, 600_000);
});
