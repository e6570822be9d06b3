import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestHex } from '@corral/catalog-core';
import { copyVerified } from './copy-verified.js';
import type { CopyOptions } from './copy-verified.js';
import { recordOf, recordPath, stagedPath, writeRecord } from './staged-record.js';
import type { StageableModel } from './staging-wish.js';

/**
 * Brings a file into the staging folder under the name of its digest: complete, verified, with its record, or not at all.
 *
 * Rejects with what is wrong, or with the signal's reason; nothing is left behind then. A process that is killed in
 * between leaves a file that the next start removes. [C-77 C-223]
 */
export async function stageFile({ modelId, digest, path, sizeBytes }: StageableModel, dir: string, options: CopyOptions): Promise<void> {
  const partial = join(dir, `.partial-${digestHex(digest)}`);
  try {
    await rm(partial, { force: true });
    const copied = await copyVerified(path, partial, options);
    if (copied.sizeBytes !== sizeBytes) throw new Error(`${path} has ${copied.sizeBytes} bytes instead of ${sizeBytes}`);
    if (copied.digest !== digest) throw new Error(`${path} has ${copied.digest} instead of ${digest}`);
    await writeRecord(dir, await recordOf(partial, { modelId, digest }));
    options.signal.throwIfAborted();
    await rename(partial, stagedPath(dir, digest));
  } catch (error) {
    for (const left of [partial, recordPath(dir, digest)]) await rm(left, { force: true }).catch(() => undefined);
    throw error;
  }
}
