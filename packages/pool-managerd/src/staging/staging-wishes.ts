import type { Digest } from '@corral/catalog-core';
import type { Assignment } from '@corral/contracts';
import type { JournalEntry } from '../assignments/journal-state.js';
import { wantedModelOf } from '../assignments/wanted-model.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence } from '../models/present-model.js';
import type { StagingWish } from './staging-wish.js';

export interface WishSources {
  presence(key: string): Presence | undefined;
  isStaged(digest: string): boolean;
  /** The copy that is being made of it: for whoever waits, or for the next load alone; `null` where none is. */
  runningFor(digest: string): 'now' | 'next_load' | null;
  /** A replica of the file is loaded. */
  isLoaded(digest: string): boolean;
}

/**
 * What the assignments want staged: what is to be staged, and what is to be resident, since its next load is then the
 * faster one. A load from the disk is over sooner without a copy beside it, so that copy is made after it.
 *
 * A copy for the next load goes on when its model has to yield meanwhile: with models that take turns, none would ever be whole.
 *
 * One wish per file; a model that is not present has none yet. [C-71 C-72 C-75 C-224 C-227]
 */
export function stagingWishes(entries: Iterable<JournalEntry>, sources: WishSources): readonly StagingWish[] {
  const byDigest = new Map<Digest, StagingWish>();
  for (const { assignment, acceptedSeq: seq } of entries) {
    const { wanted, model } = assignment;
    const known = sources.presence(wantedModelKey(wantedModelOf(assignment)));
    if (known === undefined || known.model === null) continue;
    const { modelId, path, sizeBytes } = known.model;
    const digest = known.model.digest as Digest;
    // A file that is looked at again, as each new assignment has it, is no reason to begin its copy anew.
    const isThere = known.phase.state === 'present' || (known.phase.state === 'working' && sources.runningFor(digest) !== null);
    if (!isThere || !isDue(wanted, digest, sources)) continue;
    const other = byDigest.get(digest);
    byDigest.set(digest, {
      modelId: other?.modelId ?? modelId,
      digest,
      path: other?.path ?? path,
      sizeBytes,
      seq: Math.max(seq, other?.seq ?? 0),
      isPinned: model.pinned || other?.isPinned === true,
      isForNextLoad: wanted !== 'staged' && other?.isForNextLoad !== false,
    });
  }
  return [...byDigest.values()];
}

function isDue(wanted: Assignment['wanted'], digest: Digest, sources: WishSources): boolean {
  switch (wanted) {
    case 'staged':
      return true;
    case 'resident':
      return sources.isStaged(digest) || sources.runningFor(digest) !== null || sources.isLoaded(digest);
    case 'on_disk':
      return sources.runningFor(digest) === 'next_load';
    case 'absent':
      return false;
  }
}
