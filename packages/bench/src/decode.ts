import { createLlamacppEngine } from '@corral/engine';
import { silentLog, systemClock } from '@corral/service-kit';
import { aGenerateRequest, engineClient, eventually, fetchSmolLm2, startCorral } from '@corral/test-kit';
import { openDefaultBatching, promptOf } from './default-batching.js';
import { figure, median, table } from './figures.js';
import { decodeAtOnce } from './streams.js';

const STREAMS = [1, 4, 8] as const;
const TOKENS = 64;
const ROUNDS = 3;
const THREADS = 1;
const CONTEXT = 512;
const SLOTS = 8;

/**
 * Tokens per second through the whole system, against the same engine worker driven directly and against
 * node-llama-cpp's own batching. Rounds alternate, so that all three meet the same noise.
 */
const modelPath = await fetchSmolLm2();
const corral = await startCorral({
  manifest: { version: 1, models: { smollm2: { source: `file:${modelPath}`, context: CONTEXT, slots: SLOTS } } },
  env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: String(THREADS), CPU_POOL_REPLICAS: '1' },
});
const engine = createLlamacppEngine({ env: process.env, clock: systemClock, log: silentLog });
const spec = { replicaId: 'bench', modelPath, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens: CONTEXT, slots: SLOTS, threads: THREADS, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' } as const;
const replica = await engine.start(spec, { signal: new AbortController().signal, log: silentLog });
const reference = await openDefaultBatching(modelPath, { sequences: SLOTS, context: CONTEXT, threads: THREADS });
const worker = engineClient(replica.socketPath);

const system = {
  at: corral.url,
  path: '/v1/completions',
  tokenMark: '"text":',
  body: (n: number) => JSON.stringify({ model: 'smollm2', prompt: promptOf(n), max_tokens: TOKENS, temperature: 0, stream: true }),
};
const direct = {
  at: replica.socketPath,
  path: '/generate',
  tokenMark: '"text":',
  body: (n: number) =>
    JSON.stringify(
      aGenerateRequest({
        replica_id: 'bench',
        task_id: `t${n}`,
        input: { type: 'prompt', prompt: promptOf(n) },
        max_tokens: TOKENS,
        sampling: { temperature: 0 },
        output: { dialect: 'openai_completion', stream: true },
      }),
    ),
};

try {
  await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', corral.url))).ok);
  await decodeAtOnce(system, 1);
  const rows: string[][] = [];
  for (const count of STREAMS) {
    const speeds = { system: [] as number[], direct: [] as number[], plain: [] as number[] };
    const before = await worker.get('/stats');
    for (let round = 0; round < ROUNDS; round += 1) {
      speeds.system.push((await decodeAtOnce(system, count)).tokensPerS);
      speeds.direct.push((await decodeAtOnce(direct, count)).tokensPerS);
      speeds.plain.push(await reference.decode(count, TOKENS));
    }
    const after = await worker.get('/stats');
    const steps = Number(after.body['decode_steps']) - Number(before.body['decode_steps']);
    const batches = Number(after.body['decode_micro_batches']) - Number(before.body['decode_micro_batches']);
    const [s, d, p] = [median(speeds.system), median(speeds.direct), median(speeds.plain)];
    rows.push([String(count), figure(s), figure(d), figure(p), figure(s / d), figure(s / p), figure(batches / steps)]);
  }
  table(`decode, SmolLM2, ${THREADS} thread, ${TOKENS} tokens, tokens/s, median of ${ROUNDS}`, ['streams', 'system', 'worker', 'default batching', 'system/worker', 'system/default', 'micro-batches a step'], rows);
} finally {
  await worker.close();
  await reference.close();
  await replica.stop(2_000);
  await corral.stop();
}
