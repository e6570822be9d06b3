import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { silentLog } from '@corral/service-kit';
import { aGenerateRequest, eventually, forkDaemon, scriptedEngine } from '@corral/test-kit';
import { figure, median, percentile, table } from './figures.js';

const STREAMS = [1, 50] as const;
const TOKENS = 200;
/** 40 tokens a second on each stream. */
const TOKEN_DELAY_MS = 25;
const ROUNDS = 3;
const MODEL = 'timed';

/**
 * Latency that both hops add to each event: from the moment a worker samples a token until a client has
 * read it, through the whole system against a direct connection to the same worker.
 */
const dir = await mkdtemp(join(tmpdir(), 'corral-relay-'));
const modelPath = join(dir, 'timed.gguf');
const manifest = join(dir, 'manifest.json');
await writeFile(modelPath, 'no model: the engine is scripted');
await writeFile(manifest, JSON.stringify({ version: 1, models: { [MODEL]: { source: `file:${modelPath}`, slots: 64 } } }));
const orchestratord = await forkDaemon(fileURLToPath(import.meta.resolve('@corral/orchestratord').replace(/index\.js$/, 'main.js')), {
  ORCHESTRATORD_ADDR: '127.0.0.1:0', POOL_MANAGERD_URLS: 'none', CORRAL_STATE_DIR: join(dir, 'control'), CORRAL_MANIFEST: manifest, CORRAL_LOG_LEVEL: 'warn',
});
const node = await forkDaemon(fileURLToPath(new URL('scripted-pool-managerd.js', import.meta.url)), {
  POOL_MANAGERD_ADDR: '127.0.0.1:0', ORCHESTRATOR_URL: orchestratord.url, CORRAL_STATE_DIR: join(dir, 'node'), ALLOW_CPU_POOLS: 'true', CORRAL_LOG_LEVEL: 'warn',
  CPU_POOL_MEMORY_BYTES: '4GiB', BENCH_TOKENS: String(TOKENS), BENCH_TOKEN_DELAY_MS: String(TOKEN_DELAY_MS),
});
const engine = scriptedEngine({ behaviour: { timestamps: true, tokens: TOKENS, tokenDelayMs: TOKEN_DELAY_MS } });
const replica = await engine.start(
  { replicaId: 'bench', modelPath, digest: null, deviceKind: 'cpu', deviceMask: '', contextTokens: 2_048, slots: 64, threads: 1, batchTokens: 512, prefillChunkTokens: 128, weightsIo: 'mmap' },
  { signal: new AbortController().signal, log: silentLog },
);

/** Microseconds from sample to read, one per token. */
function latencies(to: { readonly socketPath: string } | { readonly host: string; readonly port: string }, path: string, body: object): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const seen: number[] = [];
    const sent = request({ ...to, path, method: 'POST', headers: { 'content-type': 'application/json' } }, (answer) => {
      let rest = '';
      answer.setEncoding('utf8').on('data', (text: string) => {
        rest = text;
        const nowNs = process.hrtime.bigint();
        for (const [, stamp] of text.matchAll(/"text":" (\d+)"/g)) seen.push(Number(nowNs - BigInt(stamp ?? 0)) / 1e3);
      });
      answer.on('end', () => (answer.statusCode === 200 ? resolve(seen) : reject(new Error(`${path} answered ${answer.statusCode}: ${rest}`))));
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

const { hostname: host, port } = new URL(orchestratord.url);
const output = { dialect: 'openai_completion' as const, stream: true };
const through = () => latencies({ host, port }, '/v1/completions', { model: MODEL, prompt: 'x', max_tokens: TOKENS + 1, stream: true });
const direct = (n: number) => latencies({ socketPath: replica.socketPath }, '/generate', aGenerateRequest({ replica_id: 'bench', task_id: `t${n}`, output }));

try {
  await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', orchestratord.url))).ok);
  await through();
  const rows: string[][] = [];
  for (const count of STREAMS) {
    const seen = { through: [] as number[], direct: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      seen.direct.push(...(await Promise.all(Array.from({ length: count }, (_, n) => direct(n)))).flat());
      seen.through.push(...(await Promise.all(Array.from({ length: count }, () => through()))).flat());
    }
    const [t, d] = [median(seen.through), median(seen.direct)];
    rows.push([String(count), String(seen.through.length), figure(d), figure(t), figure(t - d), figure(t / d), figure(percentile(seen.through, 99)), figure(percentile(seen.direct, 99))]);
  }
  table(`relay, ${1_000 / TOKEN_DELAY_MS} events/s a stream, microseconds from sample to read`, ['streams', 'events', 'worker p50', 'system p50', 'added', 'ratio', 'system p99', 'worker p99'], rows);
} finally {
  await replica.stop(1_000);
  await node.stop();
  await orchestratord.stop();
  await rm(dir, { recursive: true, force: true });
}
