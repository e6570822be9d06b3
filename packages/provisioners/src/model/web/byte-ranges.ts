/** Bytes from `start` up to, but not including, `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Adds a range to sorted, separate ranges; what touches is joined. */
export function addRange(ranges: readonly ByteRange[], added: ByteRange): readonly ByteRange[] {
  if (added.end <= added.start) return ranges;
  const before = ranges.filter(({ end }) => end < added.start);
  const after = ranges.filter(({ start }) => start > added.end);
  const joined = ranges.slice(before.length, ranges.length - after.length);
  const start = Math.min(added.start, joined[0]?.start ?? added.start);
  const end = Math.max(added.end, joined.at(-1)?.end ?? added.end);
  return [...before, { start, end }, ...after];
}

/** What sorted, separate ranges leave open below `size`. */
export function missingRanges(ranges: readonly ByteRange[], size: number): readonly ByteRange[] {
  const missing: ByteRange[] = [];
  let at = 0;
  for (const { start, end } of ranges) {
    if (start > at) missing.push({ start: at, end: Math.min(start, size) });
    at = Math.max(at, end);
  }
  if (at < size) missing.push({ start: at, end: size });
  return missing;
}

/** Bytes in sorted, separate ranges. */
export function coveredBytes(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { start, end }) => sum + end - start, 0);
}
