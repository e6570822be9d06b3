import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLlamacppEngine, EngineWorkers, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, llamacppPrograms, writeTinyModel } from '@corral/test-kit';

const scriptedWorker = fileURLToPath(new URL('../../test-kit/dist/scripted-engine/worker.js', import.meta.url));
const env = Object.fromEntries(Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[0] !== 'NODE_OPTIONS'));
const options = { signal: new AbortController().signal, log: silentLog };

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-sup-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const aSpec = (modelPath: string): ReplicaSpec => ({ replicaId: 'r1', modelPath, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens: 512, slots: 2, threads: 1, batchTokens: 128, prefillChunkTokens: 64, weightsIo: 'mmap' });
const startReplica = (entry: string, args: readonly string[] = [], startOptions = options): Promise<EngineReplica> => new EngineWorkers({ program: () => ({ entry, args, env, clock: systemClock }), clock: systemClock }).start(aSpec('/model'), startOptions);
const script = async (name: string, text: string): Promise<string> => {
  const path = join(dir, `${name}.mjs`);
  await writeFile(path, text);
  return path;
};
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('supervision', () => {
  test('C-121 nothing outlives a parent that is killed, and its socket goes too', async () => {
    const parent = spawn(process.execPath, [fileURLToPath(new URL('./parent.mjs', import.meta.url)), scriptedWorker, JSON.stringify({ tokens: 100_000, tokenDelayMs: 5 }), JSON.stringify(aSpec('/model'))], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { pid, idlePid, socketPath } = JSON.parse(line.toString()) as { pid: number; idlePid: number; socketPath: string };
    expect([isAlive(pid), isAlive(idlePid)]).toEqual([true, true]);
    const client = engineClient(socketPath);
    const stream = client.generate(aGenerateRequest()).catch(() => 'broken');
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (let turn = 0; turn < 1_500 && (isAlive(pid) || isAlive(idlePid)); turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect([isAlive(pid), isAlive(idlePid), existsSync(dirname(socketPath)), await stream]).toEqual([false, false, false, 'broken']);
    await client.close();
  });

  test('C-241 a parked worker whose parent is killed does not stay', async () => {
    const parent = spawn(process.execPath, [fileURLToPath(new URL('./parent.mjs', import.meta.url)), scriptedWorker, '{}', JSON.stringify(aSpec('/model')), 'park'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const { pid, socketPath } = JSON.parse(line.toString()) as { pid: number; socketPath: string };
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (let turn = 0; turn < 1_500 && isAlive(pid); turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect([isAlive(pid), existsSync(dirname(socketPath))]).toEqual([false, false]);
  });

  test.each(['worker', 'bundle'] as const)('C-121 a %s whose parent dies before it is up does not stay', async (name) => {
    const worker = llamacppPrograms()[name];
    const lines = `import { fork } from 'node:child_process'; const child = fork(${JSON.stringify(worker)}, ['{"deviceKind":"cpu","logLevel":"warn","fingerprint":"f","markPath":null,"trusted":{"binary":"/nowhere","publicModule":"file:///nowhere"}}'], { stdio: 'ignore' }); console.log(child.pid); setTimeout(() => process.kill(process.pid, 'SIGKILL'), 100);`;
    const parent = spawn(process.execPath, [await script('short-lived', lines)], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    for (let turn = 0; turn < 1_500 && isAlive(pid); turn += 1) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(isAlive(pid)).toBe(false);
  });

  test('C-121 a worker that ignores SIGTERM is killed after the grace', async () => {
    const entry = await script('stubborn', `process.on('SIGTERM', () => {}); process.on('disconnect', () => process.exit()); process.on('message', () => process.send({ type: 'ready', info: {} })); process.send({ type: 'idle' }); setInterval(() => {}, 1000);`);
    const replica = await startReplica(entry);
    const begunMs = performance.now();
    await Promise.all([replica.stop(300), replica.stop(300)]);
    expect(performance.now() - begunMs).toBeGreaterThanOrEqual(290);
    expect([isAlive(replica.pid), await replica.exited]).toEqual([false, { kind: 'stopped' }]);
  });

  test('C-122 a worker that dies while it loads rejects the start with its last words', async () => {
    const entry = await script('dying', `process.on('message', () => { process.send({ type: 'loading' }); console.error('GGML_ASSERT(n > 0) failed'); process.abort(); }); process.send({ type: 'idle' });`);
    await expect(startReplica(entry)).rejects.toMatchObject({ kind: 'bad_model', message: expect.stringContaining('GGML_ASSERT(n > 0) failed'), lastWords: expect.arrayContaining(['GGML_ASSERT(n > 0) failed']) });
  });

  test('C-122 a worker that never comes up is no fault of the model', async () => {
    const entry = await script('stillborn', `process.exit(3);`);
    await expect(startReplica(entry)).rejects.toMatchObject({ kind: 'worker_failed', message: expect.stringContaining('exit code 3') });
  });

  test('C-121 an abort while a load hangs ends the process at once', async () => {
    const abort = new AbortController();
    const begun = startReplica(scriptedWorker, ['{"hang":"load"}'], { signal: abort.signal, log: silentLog });
    setTimeout(() => abort.abort(new Error('changed my mind')), 500);
    await expect(begun).rejects.toThrow('changed my mind');
  });
});

describe('disposable processes', () => {
  const engine = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, programs: llamacppPrograms() });

  test('C-123 facts of a model come from a process of their own', async () => {
    const path = join(dir, 'facts.gguf');
    await writeTinyModel(path, { chatTemplate: null, contextTokens: 1_024 });
    expect(await engine.inspect(path, { deviceKind: 'cpu' })).toEqual({
      architecture: 'llama',
      name: 'tiny-chain',
      quant: 'F16',
      layers: 1,
      embeddingLength: 128,
      vocabSize: 512,
      trainContext: 1_024,
      hasChatTemplate: false,
      memory: { cpu: { weightsBytes: { deviceBytes: expect.any(Number), hostBytes: 0 }, contextMemory: { baseBytes: expect.any(Number), perCellBytes: expect.any(Number) } } },
    });
  });

  test('C-123 a file that ends the parser is a typed error, and the caller lives', async () => {
    const path = join(dir, 'no-heads.gguf');
    await writeTinyModel(path, {}, { 'llama.attention.head_count': { u32: 0 } });
    await expect(engine.inspect(path, { deviceKind: 'cpu' })).rejects.toMatchObject({ kind: 'bad_model' });
    await expect(engine.start({ ...aSpec(path) }, options)).rejects.toMatchObject({ kind: 'bad_model' });
  });

  test('C-123 what is no GGUF file is refused in words', async () => {
    const path = join(dir, 'text.gguf');
    await writeFile(path, 'this is no model');
    await expect(engine.inspect(path, { deviceKind: 'cpu' })).rejects.toMatchObject({ kind: 'bad_model', message: expect.stringContaining('cannot be loaded') });
  });

  test('C-123 an abort ends the process', async () => {
    const abort = new AbortController();
    const asked = engine.inspect(join(dir, 'facts.gguf'), { deviceKind: 'cpu', signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 20);
    await expect(asked).rejects.toThrow('enough');
  });

  test('C-32 G-25 devices that the engine was not run on are refused by kind, for facts and for replicas', async () => {
    for (const deviceKind of ['cuda', 'metal'] as const) {
      await expect(engine.inspect(join(dir, 'facts.gguf'), { deviceKind })).rejects.toMatchObject({ kind: 'device_unsupported' });
      await expect(engine.start({ ...aSpec(join(dir, 'facts.gguf')), deviceKind, deviceMask: '0' }, options)).rejects.toMatchObject({ kind: 'device_unsupported' });
    }
  });
});
