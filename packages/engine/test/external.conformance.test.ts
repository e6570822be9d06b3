import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { attachExternalEngine, probeExternalEngine, writeTinyModel, type EngineProvider, type ReplicaSpec } from '@corral/engine';
import { systemClock } from '@corral/service-kit';
import { startLlamaServer, type LlamaServer } from '@corral/test-kit';
import { engineConformance } from '@corral/test-kit/conformance';

const program = fileURLToPath(new URL('../dist/external/worker.js', import.meta.url));

test('D-79 where no server answers, attaching fails with what to do', async () => {
  await expect(attachExternalEngine({ url: 'http://127.0.0.1:9', env: process.env, clock: systemClock, program })).rejects.toMatchObject({ message: expect.stringMatching(/127\.0\.0\.1:9 does not answer as a ready llama-server does: .*; start it/) });
});

describe('a real llama-server', () => {
  let dir = '';
  const servers: LlamaServer[] = [];
  const providers = new Map<string, EngineProvider>();
  const specs = new Map<string, ReplicaSpec>();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'corral-external-'));
    await writeTinyModel(join(dir, 'short.gguf'), { chain: ['\u2581', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] });
    await writeTinyModel(join(dir, 'endless.gguf'), { endless: true, embedding: 256, sizeBytes: 20_000_000, contextTokens: 32_768 });
    for (const [name, contextTokens] of [['short', 512], ['endless', 16_384]] as const) {
      const modelPath = join(dir, `${name}.gguf`);
      const server = await startLlamaServer({ modelPath, contextTokens, slots: 2 });
      servers.push(server);
      providers.set(modelPath, await attachExternalEngine({ url: server.url, env: process.env, clock: systemClock, program }));
      specs.set(name, { replicaId: 'replica-1', modelPath, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens, slots: 2, threads: 1, batchTokens: 128, prefillChunkTokens: 64, weightsIo: 'mmap' });
    }
  }, 900_000);
  afterAll(async () => {
    for (const server of servers) await server.stop();
    await rm(dir, { recursive: true, force: true });
  });

  test('D-80 a probe sees what it serves and what it does', async () => {
    const { facts, capabilities } = await probeExternalEngine(servers[0]?.url ?? '', { signal: new AbortController().signal });
    expect(facts).toMatchObject({ slots: 2, contextTokens: 512, modelPath: join(dir, 'short.gguf'), hasChatTemplate: expect.any(Boolean) });
    expect(capabilities).toEqual(expect.arrayContaining(['completion', 'stream', 'usage', 'cancel', 'seed']));
  }, 120_000);

  engineConformance('llama-server', () => {
    const [spec, endless] = [specs.get('short'), specs.get('endless')];
    const short = providers.get(spec?.modelPath ?? '');
    if (spec === undefined || endless === undefined || short === undefined) throw new Error('the servers are not there');
    // A server has one model: the spec says whose it is.
    const provider: EngineProvider = { ...short, start: (wanted, options) => (providers.get(wanted.modelPath) ?? short).start(wanted, options) };
    return Promise.resolve({ provider, spec, endless });
  });
});
