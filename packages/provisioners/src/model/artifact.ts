import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest, RefScheme } from '@corral/catalog-core';
import { hashFile } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { FetchContext } from './fetcher.js';
import { ProvisionError } from './provision-error.js';

/** A file whose digest has been measured. */
export interface Artifact {
  readonly path: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
  /** It lies outside the models directory and stays there. */
  readonly external: boolean;
  /** It is still in a partial folder. */
  readonly isPartial: boolean;
  /** References known to lead to these bytes, the one they came from first; empty for a file that was found without its entry. */
  readonly refs: readonly string[];
  readonly fetched: { readonly scheme: RefScheme; readonly bytes: number } | null;
}

/** What measuring a file tells. */
export type Measured = Pick<Artifact, 'digest' | 'sizeBytes' | 'modifiedMs'>;

/** Hashes a file and reports the phase `verifying`. Throws FETCH_FAILED when it changes meanwhile or cannot be read. */
export async function measure(path: string, { signal, onProgress }: Pick<FetchContext, 'signal' | 'onProgress'>): Promise<Measured> {
  try {
    const before = await stat(path);
    onProgress({ phase: 'verifying', bytes: 0, totalBytes: before.size });
    const digest = await hashFile(path, {
      signal,
      onProgress: (bytes) => onProgress({ phase: 'verifying', bytes, totalBytes: Math.max(bytes, before.size) }),
    });
    const after = await stat(path);
    if (before.size === after.size && before.mtimeMs === after.mtimeMs)
      return { digest, sizeBytes: after.size, modifiedMs: Math.trunc(after.mtimeMs) };
  } catch (error) {
    signal.throwIfAborted();
    throw new ProvisionError(
      'FETCH_FAILED',
      `${path} could not be read: ${messageOf(error)}; mend the disk or the permissions, then try again`,
      { cause: error },
    );
  }
  throw new ProvisionError('FETCH_FAILED', `${path} changed while it was read; wait until whoever writes it is done, then try again`);
}

/** Whether a file in place belongs to the models directory, and under which path; files of the catalog itself are no models. */
export async function placeOf(path: string, root: string): Promise<Pick<Artifact, 'path' | 'external'>> {
  const real = await realpath(path);
  if (!real.startsWith(`${root}/`)) return { path, external: true };
  const [first = ''] = real.slice(root.length + 1).split('/');
  if (first.startsWith('.') || real === join(root, 'catalog.json')) {
    throw new ProvisionError('NOT_FOUND', `${path} is a file of the catalog itself; name a GGUF file`);
  }
  return { path: real, external: false };
}
