import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, fetchGemma3, fetchSmolLm2, startCorral, writeTinyModel, type Corral } from '@corral/test-kit';
import { figure, median, table } from './figures.js';
import { firstTokenMs } from './first-token.js';
import { publicLoadMs } from './public-load.js';

const ROUNDS = 5;
const CONTEXT = 1_024;
const SLOTS = 1;
const PROMPT = 'Once upon a time';
const GIGABYTE = 1_000_000_000;
/** What the swap makes leave: loads at once, so that it costs the least itself. */
const OTHER = 'other';

/**
 * From a request to its first token while another model fills the pool, through the whole system with and without an
 * idle worker, against a load and a first token by node-llama-cpp's public calls in an initialised process. Parking is off, so that each is a load.
 */
const dir = await mkdtemp(join(tmpdir(), 'corral-swap-'));
const paths: Readonly<Record<string, string>> = {
  smollm2: await fetchSmolLm2(),
  'gemma3-270m': await fetchGemma3(),
  'synthetic-1gb': (await writeTinyModel(join(dir, 'large.gguf'), { mode: 'random', sizeBytes: GIGABYTE, type: 'F16', vocabSize: 32_000, embedding: 1_024 })).path,
  [OTHER]: (await writeTinyModel(join(dir, 'other.gguf'), { endless: true })).path,
};

async function start(idleWorkers: number): Promise<Corral> {
  const config = join(dir, `idle-${idleWorkers}.json`);
  await writeFile(config, JSON.stringify({ orchestratord: { swap_quantum_ms: 0 }, pool_managerd: { parking: { enabled: false } } }));
  const models = Object.fromEntries(Object.entries(paths).map(([id, path]) => [id, { source: `file:${path}`, context: CONTEXT, slots: SLOTS }]));
  return await startCorral({
    manifest: { version: 1, models },
    args: ['--config', config],
    env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', CPU_POOL_REPLICAS: '1', IDLE_WORKERS: String(idleWorkers) },
  });
}

const corral = { warm: await start(1), cold: await start(0) };

/** The other model is resident, nothing runs, and an idle worker waits where one is kept. */
async function swapMs(system: Corral, model: string): Promise<number> {
  await firstTokenMs(system.url, { model: OTHER, prompt: 'x', max_tokens: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return await firstTokenMs(system.url, { model, prompt: PROMPT, max_tokens: 1 });
}

try {
  for (const { url } of Object.values(corral)) await eventually('a pool is ready', 60_000, async () => (await fetch(new URL('/ready', url))).ok);
  const rows: string[][] = [];
  for (const [model, modelPath] of Object.entries(paths).filter(([id]) => id !== OTHER)) {
    const ms = { warm: [] as number[], cold: [] as number[], reference: [] as number[] };
    // The first load of each reads the file and learns its facts.
    for (const system of Object.values(corral)) await swapMs(system, model);
    for (let round = 0; round < ROUNDS; round += 1) {
      ms.reference.push(await publicLoadMs({ modelPath, prompt: PROMPT, context: CONTEXT, slots: SLOTS }));
      ms.warm.push(await swapMs(corral.warm, model));
      ms.cold.push(await swapMs(corral.cold, model));
    }
    const [w, c, r] = [median(ms.warm), median(ms.cold), median(ms.reference)];
    rows.push([model, figure(w), figure(c), figure(r), figure(w / r), figure(c / r)]);
  }
  table(`swap, request to first token, ms, median of ${ROUNDS}, 1 thread`, ['model', 'idle worker', 'no idle worker', 'public load', 'idle/public', 'no idle/public'], rows);
} finally {
  await corral.warm.stop();
  await corral.cold.stop();
  await rm(dir, { recursive: true, force: true });
}
