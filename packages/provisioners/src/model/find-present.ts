import { join } from 'node:path';
import { blobName } from '@corral/catalog-core';
import type { CatalogEntry, Verification } from '@corral/catalog-core';
import { checkFile, isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import { measure } from './artifact.js';
import type { Artifact, Measured } from './artifact.js';
import type { FetchContext } from './fetcher.js';
import type { WantedModel } from './model-request.js';

/** Whether an entry is what was asked for: the digest decides; without one, a common reference. */
export function answers(entry: CatalogEntry, wanted: WantedModel): boolean {
  return wanted.digest === null ? entry.refs.some((ref) => wanted.refs.includes(ref)) : entry.digest === wanted.digest;
}

/**
 * Looks for the wanted file among the files of the node: its own entry, entries of other models, then a file
 * named after the digest that no entry knows. Hashes only what has changed since it was verified. [D-21]
 *
 * An entry whose file is gone or different is marked `fail`. Returns `null` when there is nothing to use.
 */
export async function findPresent(
  wanted: WantedModel,
  store: CatalogStore,
  clock: Clock,
  context: Pick<FetchContext, 'signal' | 'onProgress'>,
): Promise<Artifact | null> {
  const own = store.get(wanted.modelId);
  const others = store.list().filter((entry) => entry !== own && entry.lifecycle === 'Active');
  for (const entry of [...(own === null ? [] : [own]), ...others]) {
    if (!answers(entry, wanted)) continue;
    const artifact = await reuse(entry, store, clock, context);
    if (artifact !== null) return artifact;
  }
  return wanted.digest === null ? null : adopt(join(store.dir, blobName(wanted.digest)), wanted, context);
}

async function reuse(
  entry: CatalogEntry,
  store: CatalogStore,
  clock: Clock,
  context: Pick<FetchContext, 'signal' | 'onProgress'>,
): Promise<Artifact | null> {
  const known = { path: entry.localPath, external: entry.external, isPartial: false, refs: entry.refs, fetched: null };
  const check = await checkFile(entry);
  if (check.kind === 'same' && entry.verification.result !== 'fail') {
    return { ...known, digest: entry.digest, sizeBytes: entry.sizeBytes, modifiedMs: entry.modifiedMs };
  }
  if (check.kind === 'missing') return fail(`its file is missing: ${check.reason}`);
  if (check.kind === 'resized') return fail(`its file has ${check.sizeBytes} bytes instead of ${entry.sizeBytes}`);
  const measured = await measureIfReadable(entry.localPath, context);
  if ('problem' in measured) return fail(measured.problem);
  if (measured.digest === entry.digest) return { ...known, ...measured };
  return fail(`its file has ${measured.digest} instead of ${entry.digest}`);

  async function fail(reason: string): Promise<null> {
    const verification: Verification = { result: 'fail', reason };
    try {
      await store.update(entry.id, (before) => ({ ...before, verification, lastVerifiedMs: clock.nowMs() }));
    } catch (error) {
      // Removed meanwhile: then there is nothing to mark.
      if (!isCatalogError(error) || error.code !== 'NOT_FOUND') throw error;
    }
    return null;
  }
}

/** A complete file that lost its entry, or had none yet when the process ended. */
async function adopt(path: string, wanted: WantedModel, context: Pick<FetchContext, 'signal' | 'onProgress'>): Promise<Artifact | null> {
  const check = await checkFile({ localPath: path, sizeBytes: -1, modifiedMs: -1 });
  if (check.kind === 'missing') return null;
  const measured = await measureIfReadable(path, context);
  return 'digest' in measured && measured.digest === wanted.digest
    ? { path, external: false, isPartial: false, refs: [], fetched: null, ...measured }
    : null;
}

async function measureIfReadable(
  path: string,
  context: Pick<FetchContext, 'signal' | 'onProgress'>,
): Promise<Measured | { readonly problem: string }> {
  try {
    return await measure(path, context);
  } catch (error) {
    context.signal.throwIfAborted();
    return { problem: messageOf(error) };
  }
}
