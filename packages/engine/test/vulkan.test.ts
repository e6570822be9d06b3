import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLlamacppEngine, type Device, type EngineProvider, type EngineReplica, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, llamacppPrograms, writeTinyModel } from '@corral/test-kit';
import { textOf } from './running-replica.js';

/** A software device compiles its shaders for half a minute; kept, the second run is fast. */
const shaderCache = fileURLToPath(new URL('../../../.cache/mesa', import.meta.url));
const options = { signal: new AbortController().signal, log: silentLog };

let dir = '';
let engine: EngineProvider;
let device: Device;

beforeAll(async () => {
  await mkdir(shaderCache, { recursive: true });
  dir = await mkdtemp(join(tmpdir(), 'corral-vulkan-'));
  engine = createLlamacppEngine({ env: { MESA_SHADER_CACHE_DIR: shaderCache, ...process.env }, clock: systemClock, log: silentLog, programs: llamacppPrograms() });
  const { devices, probes } = await engine.discover();
  const found = devices.find(({ kind }) => kind === 'vulkan');
  if (found === undefined) throw new Error(`these tests need a Vulkan device, of software at least (Debian: apt-get install mesa-vulkan-drivers libvulkan1); looked for: ${JSON.stringify(probes.filter(({ kind }) => kind === 'vulkan'))}`);
  device = found;
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const aSpec = (modelPath: string, change: Partial<ReplicaSpec> = {}): ReplicaSpec => ({
  replicaId: 'r1',
  modelPath,
  digest: null,
  deviceKind: 'vulkan',
  deviceMask: device.mask,
  contextTokens: 512,
  slots: 2,
  threads: 1,
  batchTokens: 128,
  prefillChunkTokens: 64,
  weightsIo: 'mmap',
  ...change,
});

async function say(replica: EngineReplica, prompt: string): Promise<string> {
  const client = engineClient(replica.socketPath);
  try {
    return textOf((await client.generate(aGenerateRequest({ max_tokens: 12, input: { type: 'prompt', prompt } }))).text);
  } finally {
    await client.close();
    await replica.stop(0);
  }
}

describe('llama.cpp on a Vulkan device', () => {
  test('C-30 C-33 a model lies whole on the one device, and says what it says on the CPU', async () => {
    const { path } = await writeTinyModel(join(dir, 'chain.gguf'));
    const replica = await engine.start(aSpec(path), options);
    const { layersOnDevice, totalLayers, memory } = replica.info;
    expect(layersOnDevice).toBe(totalLayers);
    expect(memory.weightsBytes).toBeGreaterThan(0);
    expect(memory.hostBytes).toBeGreaterThan(0);
    expect(await say(replica, 'go on from >')).toBe('?@ABCDEFGHIJ');
    expect(await say(await engine.start(aSpec(path, { deviceKind: 'cpu', deviceMask: '' }), options), 'go on from >')).toBe('?@ABCDEFGHIJ');
  }, 600_000);

  test('C-152 C-153 C-154 a load with a memory of the file lies as whole on the device, says the same, and is refused alike', async () => {
    const remembering = createLlamacppEngine({ env: { MESA_SHADER_CACHE_DIR: shaderCache, ...process.env }, clock: systemClock, log: silentLog, programs: llamacppPrograms(), cacheDir: join(dir, 'cache') });
    const digest = `sha256:${'cd'.repeat(32)}`;
    const { path } = await writeTinyModel(join(dir, 'remembered.gguf'));
    await remembering.inspect(path, { deviceKind: 'vulkan', deviceMask: device.mask, batchTokens: 128, digest });
    const [fast, anew] = [await remembering.start(aSpec(path, { digest }), options), await engine.start(aSpec(path), options)];
    expect([fast.info.loadPath, { ...fast.info, loadMs: 0, loadPath: '' }]).toEqual(['fast', { ...anew.info, loadMs: 0, loadPath: '' }]);
    expect([await say(fast, 'go on from >'), await say(anew, 'go on from >')]).toEqual(['?@ABCDEFGHIJ', '?@ABCDEFGHIJ']);
    const large = await writeTinyModel(join(dir, 'remembered-large.gguf'), { sizeBytes: 10_000_000 });
    const other = `sha256:${'ef'.repeat(32)}`;
    await remembering.inspect(large.path, { deviceKind: 'vulkan', deviceMask: device.mask, batchTokens: 128, digest: other });
    await expect(remembering.start(aSpec(large.path, { digest: other, contextTokens: 4_096, slots: 256 }), options)).rejects.toMatchObject({ kind: 'out_of_memory' });
    await expect(remembering.start(aSpec(path, { digest, deviceMask: '99' }), options)).rejects.toMatchObject({ kind: 'device_missing' });
  }, 600_000);

  test('C-134 facts count what the device holds and what stays on the host', async () => {
    const { path } = await writeTinyModel(join(dir, 'facts.gguf'));
    const { memory } = await engine.inspect(path, { deviceKind: 'vulkan', deviceMask: device.mask, batchTokens: 128 });
    const replica = await engine.start(aSpec(path), options);
    await replica.stop(0);
    expect(memory.vulkan?.weightsBytes.deviceBytes).toBe(replica.info.memory.weightsBytes);
    expect((memory.vulkan?.contextMemory.baseBytes ?? 0) + (memory.vulkan?.contextMemory.perCellBytes ?? 0) * 1_024).toBeGreaterThanOrEqual(replica.info.memory.contextBytes);
  }, 600_000);

  test('C-32 a device that is not there is refused, never replaced by the CPU', async () => {
    const { path } = await writeTinyModel(join(dir, 'none.gguf'));
    await expect(engine.start(aSpec(path, { deviceMask: '99' }), options)).rejects.toMatchObject({ kind: 'device_missing' });
  }, 600_000);

  test('C-30 what does not fit whole is refused before it is loaded', async () => {
    const { path } = await writeTinyModel(join(dir, 'large.gguf'), { sizeBytes: 10_000_000 });
    await expect(engine.start(aSpec(path, { contextTokens: 4_096, slots: 256 }), options)).rejects.toMatchObject({ kind: 'out_of_memory' });
  }, 600_000);
});
