import { cp, mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createLlamacppEngine, probeBundle, writeTinyModel, type EngineProvider, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { llamacppPrograms } from '@corral/test-kit';

let folder: string;
let spec: ReplicaSpec;
const providerAt = (cacheDir?: string): EngineProvider =>
  createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, programs: llamacppPrograms(), ...(cacheDir === undefined ? {} : { cacheDir }) });
const signal = (): AbortSignal => new AbortController().signal;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'corral-bundles-'));
  const { path } = await writeTinyModel(join(folder, 'tiny.gguf'));
  spec = { replicaId: 'r', modelPath: path, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens: 512, slots: 1, threads: 1, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of what came with the program. */
async function aCopy(name: string): Promise<{ readonly id: string; readonly binary: string; readonly folder: string }> {
  const builtIn = providerAt().builtIn.find(({ deviceKind }) => deviceKind === 'cpu');
  if (builtIn === undefined) throw new Error('this platform has no prebuilt binary for the CPU');
  const to = join(folder, name);
  await cp(builtIn.folder, to, { recursive: true });
  return { id: name, binary: join(to, 'llama-addon.node'), folder: to };
}

test.each([
  ['the bundled worker', true],
  ['the worker in many files', false],
])('D-72 a replica runs the native files of its bundle and no others: %s', async (_, hasCache) => {
  const copy = await aCopy(`copy-${hasCache}`);
  const replica = await providerAt(hasCache ? join(folder, 'cache') : undefined).start({ ...spec, bundle: copy }, { signal: signal(), log: silentLog });
  try {
    const maps = await readFile(`/proc/${replica.pid}/maps`, 'utf8');
    const native = [...new Set(maps.split('\n').map((line) => line.slice(line.indexOf('/'))).filter((path) => /ggml|llama.*\.(so|node)/.test(path)))];
    expect(native.length).toBeGreaterThan(3);
    expect(native.filter((path) => !path.startsWith(`${copy.folder}/`) && !path.includes('.gguf'))).toEqual([]);
  } finally {
    await replica.stop(0);
  }
});

test('D-72 a process that waits with one bundle is not taken for a load with another', async () => {
  const copy = await aCopy('waiting');
  const provider = providerAt(join(folder, 'cache'));
  let ready: (() => void) | null = null;
  const isReady = new Promise<void>((resolve) => (ready = resolve));
  const standby = provider.standBy({ deviceKind: 'cpu', deviceMask: '', bundle: copy }, { workers: 1, log: silentLog, onChange: (state) => state.ready === 1 && ready?.() });
  try {
    await isReady;
    const [waiting] = standby.state.pids;
    const other = await provider.start(spec, { signal: signal(), log: silentLog });
    await other.stop(0);
    const same = await provider.start({ ...spec, bundle: copy }, { signal: signal(), log: silentLog });
    await same.stop(0);
    expect([other.pid === waiting, same.pid === waiting]).toEqual([false, true]);
  } finally {
    await standby.close();
  }
});

test('D-77 the probe passes what computes rightly, beside the bundle in use', async () => {
  const provider = providerAt(join(folder, 'cache'));
  const [builtIn] = provider.builtIn;
  const seen: number[] = [];
  await probeBundle({ provider, bundle: await aCopy('whole'), reference: { id: 'built-in', binary: builtIn?.binary ?? '' }, device: { deviceKind: 'cpu', deviceMask: '' }, log: silentLog, signal: signal(), onModel: (done) => seen.push(done) });
  expect(seen).toEqual([0, 1]);
});

test('D-77 a damaged bundle fails its probe, and nothing else is loaded in its place', async () => {
  const copy = await aCopy('damaged');
  await truncate(copy.binary, 4_096);
  const probed = probeBundle({ provider: providerAt(join(folder, 'cache')), bundle: copy, reference: null, device: { deviceKind: 'cpu', deviceMask: '' }, log: silentLog, signal: signal() });
  await expect(probed).rejects.toMatchObject({ message: expect.stringMatching(/damaged\/llama-addon\.node|file too short|SIGBUS/) });
});
