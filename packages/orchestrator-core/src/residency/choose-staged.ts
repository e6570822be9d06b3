import { compareText } from '../compare-text.js';

/** Why weights should lie in RAM, strongest first: an instance's tier says so, somebody waits for them, they are pinned, they may come back. */
export const STAGING_REASONS = ['warm', 'waiting', 'pinned', 'leftover'] as const;
export type StagingReason = (typeof STAGING_REASONS)[number];

/** An instance whose weights should lie in the staging area of one node. */
export interface StagingWish {
  readonly key: string;
  /** What lies there once, however many want it: the file. */
  readonly file: string;
  /** 0 while the size is not known. */
  readonly sizeBytes: number;
  readonly because: StagingReason;
  readonly lastUsedMs: number;
}

/**
 * Keys of the wishes that one staging area holds within `roomBytes`.
 *
 * The stronger reason first, then the latest use, then key; a file takes room once, and what does not fit lets smaller
 * ones behind it try. Files that lie there because replicas use them take no further room. [C-73]
 */
export function chooseStaged(wishes: readonly StagingWish[], roomBytes: number, inUse: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const inTurn = wishes.toSorted(
    (a, b) => STAGING_REASONS.indexOf(a.because) - STAGING_REASONS.indexOf(b.because) || b.lastUsedMs - a.lastUsedMs || compareText(a.key, b.key),
  );
  const files = new Set(inUse);
  const chosen = new Set<string>();
  let leftBytes = roomBytes;
  for (const { key, file, sizeBytes } of inTurn) {
    const takesBytes = files.has(file) ? 0 : sizeBytes;
    if (takesBytes > leftBytes) continue;
    leftBytes -= takesBytes;
    files.add(file);
    chosen.add(key);
  }
  return chosen;
}
