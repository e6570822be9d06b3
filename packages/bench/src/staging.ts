import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { digestFromHex } from '@corral/catalog-core';
import { stageFile } from '@corral/pool-managerd';
import { systemClock } from '@corral/service-kit';
import { fetchSmolLm2, writeTinyModel } from '@corral/test-kit';
import { figure, median, table } from './figures.js';

const run = promisify(execFile);
const ROUNDS = 5;
const GIGABYTE = 1_000_000_000;

/**
 * Staging a file of a gigabyte, copied, hashed and verified, against `dd` copying the same file to the same place: from a
 * disk that has to be read, and from the page cache.
 */
const place = await mkdtemp('/dev/shm/corral-bench-');
// Beside the models of this checkout: a folder for temporary files may lie in RAM itself.
const dir = await mkdtemp(join(await fetchSmolLm2(), '..', 'bench-'));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = systemClock.monotonicMs();
  await work();
  return systemClock.monotonicMs() - startedMs;
}

try {
  const { path } = await writeTinyModel(join(dir, 'large.gguf'), { mode: 'random', sizeBytes: GIGABYTE, type: 'F16', vocabSize: 32_000, embedding: 1_024 });
  const [hex = ''] = (await run('sha256sum', [path])).stdout.split(' ');
  const sizeBytes = Number((await run('stat', ['-c', '%s', path])).stdout);
  const model = { modelId: 'large', digest: digestFromHex(hex), path, sizeBytes };
  const source = {
    'cold disk': () => run('dd', [`if=${path}`, 'iflag=nocache', 'count=0']),
    'page cache': () => run('dd', [`if=${path}`, 'of=/dev/null', 'bs=1M']),
  };
  const staged = (): Promise<number> => timed(() => stageFile(model, place, { signal: new AbortController().signal, onProgress: () => {} }));
  const copied = (): Promise<number> => timed(() => run('dd', [`if=${path}`, `of=${join(place, 'copy')}`, 'bs=1M']));
  const rows: string[][] = [];
  for (const [name, prepare] of Object.entries(source)) {
    const ms = { staged: [] as number[], copied: [] as number[] };
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const [kind, work] of Object.entries({ copied, staged })) {
        await run('sync', [path]);
        await prepare();
        ms[kind as keyof typeof ms].push(await work());
        // Fresh pages each time.
        await run('sh', ['-c', 'rm -f "$1"/*', 'sh', place]);
      }
    }
    const rate = (values: readonly number[]): number => sizeBytes / 1_000 / median(values);
    rows.push([name, figure(rate(ms.staged)), figure(rate(ms.copied)), figure(rate(ms.staged) / rate(ms.copied))]);
  }
  table(`staging ${figure(sizeBytes / 1e9)} GB, MB/s, median of ${ROUNDS}`, ['from', 'staged', 'dd', 'staged/dd'], rows);
} finally {
  await rm(place, { recursive: true, force: true });
  await rm(dir, { recursive: true, force: true });
}
