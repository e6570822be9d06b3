import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EngineReplica, ReplicaSpec } from '@corral/engine';
import { silentLog } from '@corral/service-kit';
import { aGenerateRequest } from '../a-generate-request.js';
import { engineConformance } from '../conformance/engine.js';
import { engineClient, eventsOf } from '../engine-client.js';
import type { ScriptedBehaviour } from './behaviour.js';
import { scriptedEngine } from './scripted-engine.js';

let dir = '';
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-scripted-'));
  for (const name of ['short', 'endless', 'slow']) await writeFile(join(dir, name), 'no weights');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const aSpec = (name: string): ReplicaSpec => ({
  replicaId: 'replica-1',
  modelPath: join(dir, name),
  digest: null,
  deviceKind: 'cpu',
  deviceMask: '',
  contextTokens: 512,
  slots: 2,
  threads: 1,
  batchTokens: 128,
  prefillChunkTokens: 64,
  weightsIo: 'mmap',
});

const behaviours: Record<string, ScriptedBehaviour> = { short: { tokens: 10 }, endless: { tokens: 100_000, tokenDelayMs: 5 }, slow: { preloadMs: 10_000 } };

engineConformance('scripted', () =>
  Promise.resolve({
    provider: scriptedEngine({ behaviour: ({ modelPath }) => behaviours[modelPath.slice(dir.length + 1)] ?? {} }),
    spec: aSpec('short'),
    endless: aSpec('endless'),
    slowToLoad: aSpec('slow'),
  }),
);

describe('scripted engine faults', () => {
  const options = { signal: new AbortController().signal, log: silentLog };
  const withReplica = async <T>(behaviour: ScriptedBehaviour, use: (client: ReturnType<typeof engineClient>, exited: Promise<unknown>) => Promise<T>): Promise<T> => {
    const replica = await scriptedEngine({ behaviour }).start(aSpec('short'), options);
    const client = engineClient(replica.socketPath);
    try {
      return await use(client, replica.exited);
    } finally {
      await client.close();
      await replica.stop(0);
    }
  };
  const textOf = (stream: string): string => eventsOf(stream).map(({ data }) => (data as { t?: string }).t ?? '').join('');

  test('I-05 crash_after_tokens: the reader has exactly these tokens, then the process is gone with its last words', async () => {
    await withReplica({ crashAfterTokens: 3 }, async (client, exited) => {
      const response = await client.open(aGenerateRequest());
      let received = '';
      const broken = (async () => {
        for await (const chunk of response.body as AsyncIterable<Buffer>) received += chunk.toString();
      })();
      await expect(broken).rejects.toThrow();
      expect(eventsOf(received).map(({ event }) => event)).toEqual(['token', 'token', 'token']);
      expect(await exited).toEqual({ kind: 'crashed', reason: 'exit', error: expect.stringContaining('GGML_ASSERT(scripted) failed'), code: 70, signal: null, lastWords: ['GGML_ASSERT(scripted) failed'] });
    });
  });

  test('T-143 I-01 the same seed says the same, another one something else; given tokens are said as they are', async () => {
    const say = (seed: number) => (client: ReturnType<typeof engineClient>) => client.generate(aGenerateRequest({ sampling: { seed } })).then(({ text }) => textOf(text));
    const [first, again, other] = await withReplica({ tokens: 12 }, async (client) => Promise.all([say(7)(client), say(7)(client), say(8)(client)]));
    expect([again === first, other === first]).toEqual([true, false]);
    expect(await withReplica({ tokens: ['a', ' b'] }, say(1))).toBe('a b');
  });

  test('I-05 token_delay_ms spreads the tokens; hang never gives one and the first-token deadline ends it', async () => {
    const [{ text }, hung] = await Promise.all([
      withReplica({ tokens: 4, tokenDelayMs: 100 }, (client) => client.generate(aGenerateRequest())),
      withReplica({ hang: 'generate' }, (client) => client.generate(aGenerateRequest({ deadlines: { first_token_ms: 100 } }))),
    ]);
    const end = eventsOf(text).at(-1)?.data as { decode_time_ms: number };
    expect(end.decode_time_ms).toBeGreaterThanOrEqual(390);
    expect([hung.status, JSON.parse(hung.text)]).toEqual([503, { code: 'FIRST_TOKEN_TIMEOUT', message: expect.any(String), retriable: true }]);
  });

  test('I-05 fail_preload and fail_health', async () => {
    await expect(scriptedEngine({ behaviour: { failPreload: 'out_of_memory' } }).start(aSpec('short'), options)).rejects.toMatchObject({ kind: 'out_of_memory' });
    expect((await withReplica({ failHealth: true }, (client) => client.get('/health'))).status).toBe(503);
  });

  test.each(['park', 'resume', 'save'] as const)('C-241 a process that dies or hangs in %s ends the call with it', async (call) => {
    const ask = async (behaviour: ScriptedBehaviour, meanwhile: (replica: EngineReplica) => Promise<unknown>): Promise<unknown> => {
      const replica = await scriptedEngine({ behaviour }).start(aSpec('short'), options);
      try {
        if (call === 'resume') await replica.park();
        const asked = (call === 'save' ? replica.savePrefixes({ maxBytes: 1 }) : replica[call]()).catch((error: unknown) => error);
        await meanwhile(replica);
        return await asked;
      } finally {
        await replica.stop(0);
      }
    };
    expect(await ask({ crashIn: call }, () => Promise.resolve())).toMatchObject({ kind: 'worker_failed', exit: 'exit', lastWords: ['GGML_ASSERT(scripted) failed'] });
    expect(await ask({ hang: call }, (replica) => replica.stop(5_000))).toMatchObject({ kind: 'worker_failed' });
  });

  test('C-240 C-242 what cannot be resumed stays parked; on a device nothing parks', async () => {
    const replica = await scriptedEngine({ behaviour: { failResume: 'out_of_memory' } }).start(aSpec('short'), options);
    const parked = await replica.park();
    await expect(replica.resume()).rejects.toMatchObject({ kind: 'out_of_memory' });
    expect(await replica.park()).toEqual(parked);
    await replica.stop(0);
    const onDevice = await scriptedEngine({ deviceKind: 'vulkan' }).start({ ...aSpec('short'), deviceKind: 'vulkan', deviceMask: '0' }, options);
    await expect(onDevice.park()).rejects.toMatchObject({ kind: 'device_unsupported' });
    await onDevice.stop(0);
  });

  test('C-243 a call that is given up leaves the process as it is', async () => {
    const replica = await scriptedEngine({ behaviour: { hang: 'save' } }).start(aSpec('short'), options);
    await expect(replica.savePrefixes({ maxBytes: 1, signal: AbortSignal.timeout(100) })).rejects.toThrow('timeout');
    await replica.stop(0);
  });

  test('I-05 a behaviour may change from start to start, and the device is as large as it is told', async () => {
    const engine = scriptedEngine({ behaviour: (_, starts) => (starts === 0 ? { failPreload: 'bad_model' } : {}), vramTotalMb: 10, deviceKind: 'cuda' });
    const spec: ReplicaSpec = { ...aSpec('short'), deviceKind: 'cuda', deviceMask: '0' };
    await expect(engine.start(spec, options)).rejects.toMatchObject({ kind: 'bad_model' });
    await (await engine.start(spec, options)).stop(0);
    expect((await engine.discover()).devices.map(({ id, memoryTotalBytes }) => [id, memoryTotalBytes])).toEqual([['cuda:0', 10 * 1_024 * 1_024]]);
  });
});
