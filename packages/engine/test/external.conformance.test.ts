import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { attachExternalEngine, writeTinyModel, type EngineProvider, type ReplicaSpec } from '@corral/engine';
import { systemClock } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import { engineConformance } from '@corral/test-kit/conformance';

const program = fileURLToPath(new URL('../dist/external/worker.js', import.meta.url));

test('D-79 where no server answers, attaching fails with what to do', async () => {
  await expect(attachExternalEngine({ url: 'http://127.0.0.1:9', env: process.env, clock: systemClock, program })).rejects.toMatchObject({ message: expect.stringMatching(/127\.0\.0\.1:9 does not answer as a ready llama-server does: .*; start it/) });
});

/** Path of a real llama-server: building one takes minutes, so the suite runs where one is given. */
const binary = process.env['CORRAL_LLAMA_SERVER'] ?? '';

if (binary !== '') describe('a real llama-server', () => {
  let dir = '';
  const servers: ChildProcess[] = [];
  const providers = new Map<string, EngineProvider>();
  const specs = new Map<string, ReplicaSpec>();

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'corral-external-'));
    await writeTinyModel(join(dir, 'short.gguf'), { chain: ['\u2581', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'] });
    await writeTinyModel(join(dir, 'endless.gguf'), { endless: true, embedding: 256, sizeBytes: 20_000_000, contextTokens: 32_768 });
    for (const [name, contextTokens] of [['short', 512], ['endless', 16_384]] as const) {
      const port = await freePort();
      const modelPath = join(dir, `${name}.gguf`);
      servers.push(spawn(binary, ['-m', modelPath, '--host', '127.0.0.1', '--port', String(port), '-c', String(contextTokens * 2), '-np', '2', '-t', '1', '--no-warmup'], { stdio: 'ignore' }));
      const url = `http://127.0.0.1:${port}`;
      providers.set(modelPath, await eventually(`${name} is served`, 60_000, () => attachExternalEngine({ url, env: process.env, clock: systemClock, program }).catch(() => undefined)));
      specs.set(name, { replicaId: 'replica-1', modelPath, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens, slots: 2, threads: 1, batchTokens: 128, prefillChunkTokens: 64, weightsIo: 'mmap' });
    }
  }, 600_000);
  afterAll(async () => {
    for (const server of servers) if (server.kill('SIGKILL')) await once(server, 'exit');
    await rm(dir, { recursive: true, force: true });
  });

  engineConformance('llama-server', () => {
    const [spec, endless] = [specs.get('short'), specs.get('endless')];
    const short = providers.get(spec?.modelPath ?? '');
    if (spec === undefined || endless === undefined || short === undefined) throw new Error('the servers are not there');
    // A server has one model: the spec says whose it is.
    const provider: EngineProvider = { ...short, start: (wanted, options) => (providers.get(wanted.modelPath) ?? short).start(wanted, options) };
    return Promise.resolve({ provider, spec, endless });
  });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}
