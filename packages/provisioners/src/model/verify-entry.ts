import type { CatalogEntry, Verification } from '@corral/catalog-core';
import { isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import { measure } from './artifact.js';
import type { Measured } from './artifact.js';
import type { FetchContext } from './fetcher.js';

/** What reading a whole file said. */
export interface VerifiedEntry {
  readonly verification: Verification;
  /** What the file has; `null` when it cannot be read. */
  readonly digest: string | null;
  readonly lastVerifiedMs: number;
}

/**
 * Recomputes the digest of an entry's file, away from the event loop, and writes what came of it to every entry of that file.
 *
 * `pass`: equal, and the digest was given with the model; `warn`: equal to what was measured here first; `fail`: it
 * differs or cannot be read, and no load takes it until it is fetched or verified anew. [D-10 D-62]
 * Rejects with the signal's reason when that aborts; then nothing is written.
 */
export async function verifyEntry(entry: CatalogEntry, store: CatalogStore, clock: Clock, context: Pick<FetchContext, 'signal' | 'onProgress'>): Promise<VerifiedEntry> {
  const measured = await measure(entry.localPath, context).catch((error: unknown) => {
    context.signal.throwIfAborted();
    return messageOf(error);
  });
  const lastVerifiedMs = clock.nowMs();
  const isOfFile = (other: CatalogEntry) => other.localPath === entry.localPath && other.digest === entry.digest;
  for (const other of store.list().filter(isOfFile)) {
    const change = changeOf(other, measured, lastVerifiedMs);
    await store.update(other.id, (before) => (isOfFile(before) ? { ...before, ...change } : before)).catch((error: unknown) => {
      // Removed meanwhile: then there is nothing to mark.
      if (!isCatalogError(error) || error.code !== 'NOT_FOUND') throw error;
    });
  }
  return { verification: verdict(entry, measured), digest: typeof measured === 'string' ? null : measured.digest, lastVerifiedMs };
}

function changeOf(entry: CatalogEntry, measured: Measured | string, lastVerifiedMs: number): Partial<CatalogEntry> {
  const verification = verdict(entry, measured);
  // Size and time say which bytes were verified; those of a bad file must not look like good ones.
  return typeof measured === 'string' || verification.result === 'fail' ? { verification, lastVerifiedMs } : { verification, lastVerifiedMs, sizeBytes: measured.sizeBytes, modifiedMs: measured.modifiedMs };
}

function verdict({ digest, digestGiven }: CatalogEntry, measured: Measured | string): Verification {
  if (typeof measured === 'string') return { result: 'fail', reason: measured };
  if (measured.digest !== digest) return { result: 'fail', reason: `the file has the digest ${measured.digest} instead of ${digest}; fetch the model again` };
  if (digestGiven) return { result: 'pass', reason: 'the file has the expected digest' };
  return { result: 'warn', reason: 'the file is as it was when it came; no digest was given to compare with' };
}
