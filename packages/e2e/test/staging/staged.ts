import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { eventually, fetchSmolLm2, writeTinyModel, type Corral } from '@corral/test-kit';
import { call } from '../served.js';

export interface CacheEntry {
  readonly model_id: string;
  readonly path: string;
  readonly state: 'staging' | 'staged';
  readonly progress: number | null;
  readonly leases: number;
}

/** What the node has staged. */
export async function cacheOf(corral: Corral): Promise<readonly CacheEntry[]> {
  return (await call(corral.poolUrl, 'GET', '/v2/cache')).body['data'] as readonly CacheEntry[];
}

/** Waits until a model is staged. */
export async function staged(corral: Corral, modelId: string): Promise<CacheEntry> {
  return await eventually(`${modelId} is staged`, 120_000, async () => (await cacheOf(corral).catch(() => [])).find(({ model_id, state }) => model_id === modelId && state === 'staged'));
}

/** Bytes that a process had the storage fetch for it. */
export async function readBytes(pid: number): Promise<number> {
  return Number(/^read_bytes: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

/** Takes a file out of the page cache, so that whoever reads it has the disk read it. */
export async function makeCold(path: string): Promise<void> {
  await promisify(execFile)('sync', [path]);
  await promisify(execFile)('dd', [`if=${path}`, 'iflag=nocache', 'count=0']);
}

/** A synthetic model on the disk of this checkout: a folder for temporary files may lie in RAM itself. */
export async function onDisk(sizeBytes: number): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(dirname(await fetchSmolLm2()), 'staging-'));
  const { path } = await writeTinyModel(join(dir, 'large.gguf'), { mode: 'random', sizeBytes, type: 'F16', vocabSize: 32_000, embedding: 1_024 });
  return { path, remove: () => rm(dir, { recursive: true, force: true }) };
}
