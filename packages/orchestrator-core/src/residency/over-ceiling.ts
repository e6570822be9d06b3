import { compareText } from '../compare-text.js';

/** An instance that is resident, or about to be, and counts as hot. */
export interface HotInstance {
  readonly key: string;
  /** Any clock; a later use is a larger number. */
  readonly lastUsedMs: number;
}

/**
 * Keys of those that must be demoted so that no more than `ceiling` are left: the least recently used first, then by
 * key. Empty while the ceiling holds; `null` is no ceiling. Independent of the order of `hot`. [C-63]
 */
export function overCeiling(hot: readonly HotInstance[], ceiling: number | null): readonly string[] {
  if (ceiling === null) return [];
  const leastRecentFirst = hot.toSorted((a, b) => a.lastUsedMs - b.lastUsedMs || compareText(a.key, b.key));
  return leastRecentFirst.slice(0, Math.max(0, hot.length - ceiling)).map(({ key }) => key);
}
