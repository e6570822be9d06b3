import type { Lifecycle } from './catalog-entry.js';

/** Something on a node's disk that a garbage collection may delete: a catalog entry of a model or of an engine bundle. [D-32] */
export interface GcItem {
  readonly kind: 'model' | 'engine';
  readonly id: string;
  /** The file or folder that it occupies; entries of the same kind that share one free it together. */
  readonly path: string;
  /** It is used in place: deleting the entry leaves it where it is. */
  readonly external: boolean;
  /** It lies on the disk that the thresholds are about. */
  readonly isOnDisk: boolean;
  readonly sizeBytes: number;
  readonly lifecycle: Lifecycle;
  /** `null` while it is active. */
  readonly retiredAtMs: number | null;
  readonly pinned: boolean;
  /** `null` when it was never used: then it counts from its creation. [D-36] */
  readonly lastUsedMs: number | null;
  readonly createdMs: number;
}

/** A file system as measured. What only root may write counts neither as used nor as free. */
export interface DiskUse {
  readonly usedBytes: number;
  readonly freeBytes: number;
}

/** Percent of the disk that is used, from 0 to 100. */
export function usedPercent({ usedBytes, freeBytes }: DiskUse): number {
  const totalBytes = usedBytes + freeBytes;
  return totalBytes <= 0 ? 0 : Math.min(100, Math.max(0, (usedBytes / totalBytes) * 100));
}

/** When it was last of use. [D-36] */
export function lastUseMs({ lastUsedMs, createdMs }: Pick<GcItem, 'lastUsedMs' | 'createdMs'>): number {
  return lastUsedMs ?? createdMs;
}
