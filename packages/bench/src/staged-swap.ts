import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, fetchGemma3, fetchSmolLm2, startCorral, writeTinyModel, type Corral } from '@corral/test-kit';
import { bareSpec, openBareEngine } from './bare-load.js';
import { figure, median, table } from './figures.js';
import { firstTokenMs } from './first-token.js';

const run = promisify(execFile);
const ROUNDS = 5;
const CONTEXT = 1_024;
const PROMPT = 'Once upon a time';
const GIGABYTE = 1_000_000_000;
/** What the swap makes leave: loads at once, so that it costs the least itself. */
const OTHER = 'other';

/**
 * A swap to a model whose weights wait in RAM, against one whose weights lie on a disk that has to be read: from request to first token
 * through the whole system, and by the engine driven directly. Parking is off, so that each is a load.
 */
// Beside the models of this checkout: a folder for temporary files may lie in RAM itself.
const dir = await mkdtemp(join(await fetchSmolLm2(), '..', 'bench-'));
const ram = await mkdtemp('/dev/shm/corral-bench-');
const large = { mode: 'random', sizeBytes: GIGABYTE, type: 'F16', vocabSize: 32_000, embedding: 1_024 } as const;

/** Files of its own for each way, so that no page of one is another's. */
async function files(at: string): Promise<Readonly<Record<string, string>>> {
  const copied = async (path: string, name: string): Promise<string> => {
    await cp(path, join(at, name));
    return join(at, name);
  };
  return {
    smollm2: await copied(await fetchSmolLm2(), 'smollm2.gguf'),
    'gemma3-270m': await copied(await fetchGemma3(), 'gemma3.gguf'),
    'synthetic-1gb': (await writeTinyModel(join(at, 'large.gguf'), large)).path,
    [OTHER]: (await writeTinyModel(join(at, 'other.gguf'), { endless: true })).path,
  };
}

const onDisk = await files(dir);
const inRam = await files(ram);
const dropCache = async (path: string): Promise<void> => {
  await run('sync', [path]);
  await run('dd', [`if=${path}`, 'iflag=nocache', 'count=0']);
};

async function start(name: string, stage: object): Promise<Corral> {
  const config = join(dir, `${name}.json`);
  await writeFile(config, JSON.stringify({ orchestratord: { swap_quantum_ms: 0 }, pool_managerd: { parking: { enabled: false }, stage } }));
  const models = Object.fromEntries(Object.entries(onDisk).map(([id, path]) => [id, { source: `file:${path}`, context: CONTEXT, slots: 1 }]));
  return await startCorral({
    manifest: { version: 1, models },
    args: ['--config', config],
    env: { ALLOW_CPU_POOLS: 'true', CPU_POOL_THREADS: '1', CPU_POOL_REPLICAS: '1', IDLE_WORKERS: '1' },
  });
}

/** The other model is resident, and what goes on behind a swap is over. */
async function leave(system: Corral): Promise<void> {
  await firstTokenMs(system.url, { model: OTHER, prompt: 'x', max_tokens: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1_500));
}

interface CacheSeen {
  readonly data: readonly { readonly model_id: string; readonly state: string }[];
}

async function isStaged(system: Corral, model: string): Promise<boolean> {
  const { data } = (await (await fetch(new URL('/v2/cache', system.poolUrl))).json()) as CacheSeen;
  return data.some((entry) => entry.model_id === model && entry.state === 'staged');
}

const staging = await start('staged', { max_bytes: 3 * GIGABYTE });
// Nothing fits into it, so that every load reads the disk.
const reading = await start('disk', { max_bytes: 1_024 });
const engine = openBareEngine(join(dir, 'cache'));

async function bareMs(model: string, path: string): Promise<number> {
  const { replica, ms } = await engine.load(bareSpec(model, path, CONTEXT), PROMPT);
  await replica.stop(1_000);
  return ms;
}

try {
  const rows: string[][] = [];
  for (const model of Object.keys(onDisk).filter((id) => id !== OTHER)) {
    const [disk = '', ramCopy = ''] = [onDisk[model], inRam[model]];
    const ask = { model, prompt: PROMPT, max_tokens: 1 };
    const ms = { staged: [] as number[], disk: [] as number[], bareStaged: [] as number[], bareDisk: [] as number[] };
    await engine.learn(bareSpec(model, disk, CONTEXT));
    for (const system of [staging, reading]) await firstTokenMs(system.url, ask);
    await eventually(`${model} is staged`, 120_000, () => isStaged(staging, model));
    for (let round = 0; round < ROUNDS; round += 1) {
      await leave(staging);
      ms.staged.push(await firstTokenMs(staging.url, ask));
      ms.bareStaged.push(await bareMs(model, ramCopy));
      await leave(reading);
      await leave(staging);
      await dropCache(disk);
      ms.disk.push(await firstTokenMs(reading.url, ask));
      await leave(reading);
      await dropCache(disk);
      ms.bareDisk.push(await bareMs(model, disk));
    }
    const [s, d, bs, bd] = [median(ms.staged), median(ms.disk), median(ms.bareStaged), median(ms.bareDisk)];
    rows.push([model, figure(s), figure(d), figure(bs), figure(bd), figure(d / s), figure(bd / bs), figure(d / s / (bd / bs)), figure(s / bs)]);
  }
  table(`swap, request to first token, ms, median of ${ROUNDS}, 1 thread`, ['model', 'staged', 'cold disk', 'bare staged', 'bare disk', 'gain', 'raw gain', 'gain/raw', 'staged/bare'], rows);
} finally {
  await engine.close();
  await staging.stop();
  await reading.stop();
  await rm(dir, { recursive: true, force: true });
  await rm(ram, { recursive: true, force: true });
}
