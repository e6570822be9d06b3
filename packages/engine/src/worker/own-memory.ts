import { readFileSync } from 'node:fs';

/** Bytes that this process has for itself alone: what is mapped from files does not count. Where the system does not say, all that is not mapped weights. */
export function ownBytes(mappedBytes: number): number {
  try {
    const found = /^Pss_Anon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/smaps_rollup', 'utf8'))?.[1];
    if (found !== undefined) return Number(found) * 1_024;
  } catch {
    // Another system, or an old kernel.
  }
  return Math.max(0, process.memoryUsage.rss() - mappedBytes);
}
