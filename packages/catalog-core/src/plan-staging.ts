import type { Digest } from './digest.js';

/** A file in the staging area, or on its way there: both count in full. */
export interface StagedFile {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was last loaded or asked for. */
  readonly lastUsedMs: number;
  /** Loads, replicas and copies that use it. */
  readonly leases: number;
  readonly isPinned: boolean;
  /** Somebody wants it staged; what is merely left over leaves first. */
  readonly isWanted: boolean;
}

/** A file that is to be staged, and the area as it is. */
export interface StagingInput {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was asked for: nothing that is wanted and was used later leaves for it. */
  readonly askedAtMs: number;
  readonly staged: readonly StagedFile[];
  /** Bytes that the area may hold. */
  readonly budgetBytes: number;
  /** Bytes that the area holds beside the files. */
  readonly otherBytes: number;
  /** What can still be written: the RAM above the floor, and no more than the file system has; negative when the floor is broken already. */
  readonly freeBytes: number;
}

export type StagingPlan =
  /** It is there, or comes already. */
  | { readonly kind: 'present' }
  /** It fits once these have left, in this order. */
  | { readonly kind: 'stage'; readonly evict: readonly Digest[] }
  /** It is larger than the whole area. */
  | { readonly kind: 'too_large'; readonly sizeBytes: number; readonly budgetBytes: number }
  /** What may leave is not enough; `limit` says what is short of how much. */
  | { readonly kind: 'no_room'; readonly limit: 'budget' | 'free_ram'; readonly missingBytes: number };

/**
 * Chooses what leaves the staging area so that a file fits.
 *
 * What nobody wants leaves first, of that the least recently used, and never more than is needed. Leased and pinned files
 * stay, and so does what is wanted and was used after the file was asked for, so that two wishes which do not fit together never
 * displace one another in turns.
 * A plan that cannot make enough room evicts nothing. [C-73 C-78]
 */
export function planStaging(input: StagingInput): StagingPlan {
  const { digest, sizeBytes, askedAtMs, staged, budgetBytes, otherBytes, freeBytes } = input;
  if (staged.some((file) => file.digest === digest)) return { kind: 'present' };
  if (sizeBytes > budgetBytes) return { kind: 'too_large', sizeBytes, budgetBytes };
  const usedBytes = staged.reduce((sum, file) => sum + file.sizeBytes, otherBytes);
  const overBudget = usedBytes + sizeBytes - budgetBytes;
  const overFree = sizeBytes - freeBytes;
  const neededBytes = Math.max(overBudget, overFree);
  const evict: Digest[] = [];
  let freedBytes = 0;
  for (const file of staged.filter((one) => mayLeave(one, askedAtMs)).toSorted(byUse)) {
    if (freedBytes >= neededBytes) break;
    evict.push(file.digest);
    freedBytes += file.sizeBytes;
  }
  if (freedBytes >= neededBytes) return { kind: 'stage', evict };
  return { kind: 'no_room', limit: overBudget >= overFree ? 'budget' : 'free_ram', missingBytes: neededBytes - freedBytes };
}

function mayLeave({ leases, isPinned, isWanted, lastUsedMs }: StagedFile, askedAtMs: number): boolean {
  return leases === 0 && !isPinned && (!isWanted || lastUsedMs < askedAtMs);
}

function byUse(a: StagedFile, b: StagedFile): number {
  return Number(a.isWanted) - Number(b.isWanted) || a.lastUsedMs - b.lastUsedMs || (a.digest < b.digest ? -1 : 1);
}
