import type { Digest } from '@corral/catalog-core';
import type { JournalEntry } from '../assignments/journal-state.js';
import { wantedModelOf } from '../assignments/wanted-model.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence } from '../models/present-model.js';
import type { StagingWish } from './staging-wish.js';

export interface WishSources {
  presence(key: string): Presence | undefined;
  /** It is staged, or being copied. */
  isStagedOrRunning(digest: string): boolean;
  /** A replica of the file is loaded. */
  isLoaded(digest: string): boolean;
}

/**
 * What the assignments want staged: what is to be staged, and what is to be resident, since its next load is then the
 * faster one. A load from the disk is over sooner without a copy beside it, so that copy is made after it.
 *
 * One wish per file; a model that is not present has none yet. [C-71 C-72 C-75 C-224]
 */
export function stagingWishes(entries: Iterable<JournalEntry>, sources: WishSources): readonly StagingWish[] {
  const byDigest = new Map<Digest, StagingWish>();
  for (const { assignment, acceptedSeq: seq } of entries) {
    const { wanted, model } = assignment;
    const known = sources.presence(wantedModelKey(wantedModelOf(assignment)));
    if (known?.phase.state !== 'present' || known.model === null) continue;
    const { modelId, path, sizeBytes } = known.model;
    const digest = known.model.digest as Digest;
    const isDue = wanted === 'staged' || (wanted === 'resident' && (sources.isStagedOrRunning(digest) || sources.isLoaded(digest)));
    if (!isDue) continue;
    const other = byDigest.get(digest);
    byDigest.set(digest, {
      modelId: other?.modelId ?? modelId,
      digest,
      path: other?.path ?? path,
      sizeBytes,
      seq: Math.max(seq, other?.seq ?? 0),
      isPinned: model.pinned || other?.isPinned === true,
    });
  }
  return [...byDigest.values()];
}
