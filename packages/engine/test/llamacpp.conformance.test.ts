import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { createLlamacppEngine, type EngineProvider, type ReplicaSpec } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { llamacppPrograms, writeTinyModel } from '@corral/test-kit';
import { engineConformance } from '@corral/test-kit/conformance';

let dir = '';
let provider: EngineProvider;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-llamacpp-'));
  provider = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog, programs: llamacppPrograms(), cacheDir: join(dir, 'cache') });
  await writeTinyModel(join(dir, 'short.gguf'), { chain: ['\u2581', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] });
  await writeTinyModel(join(dir, 'endless.gguf'), { endless: true, embedding: 256, sizeBytes: 20_000_000, contextTokens: 32_768 });
  // With a memory of each file the loads of this suite take the way that they take in service.
  for (const name of ['short', 'endless']) await provider.inspect(join(dir, `${name}.gguf`), { deviceKind: 'cpu', batchTokens: 128, digest: digestOf(name) });
}, 600_000);
afterAll(() => rm(dir, { recursive: true, force: true }));

const digestOf = (name: string): string => `sha256:${Buffer.from(name.padEnd(32)).toString('hex')}`;
const aSpec = (name: string, contextTokens: number): ReplicaSpec => ({
  replicaId: 'replica-1',
  modelPath: join(dir, `${name}.gguf`),
  digest: digestOf(name),
  deviceKind: 'cpu',
  deviceMask: '',
  contextTokens,
  slots: 2,
  threads: 1,
  batchTokens: 128,
  prefillChunkTokens: 64,
  weightsIo: 'mmap',
});

engineConformance('llamacpp on cpu', () =>
  Promise.resolve({
    provider,
    spec: aSpec('short', 512),
    endless: aSpec('endless', 16_384),
  }),
);
