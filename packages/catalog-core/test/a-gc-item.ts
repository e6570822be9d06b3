import type { GcInput, GcItem, GcPolicy } from '../src/index.js';

export const DAY_MS = 86_400_000;
/** The moment at which plans of tests are made. */
export const NOW_MS = 100 * DAY_MS;

/** An active model of 10 bytes with a file of its own, never used, made 50 days ago. */
export function aGcItem(id: string, over: Partial<GcItem> = {}): GcItem {
  return { kind: 'model', id, path: `/models/${id}`, external: false, isOnDisk: true, sizeBytes: 10, lifecycle: 'Active', retiredAtMs: null, pinned: false, lastUsedMs: null, createdMs: 50 * DAY_MS, ...over };
}

/** Retired so many days ago. */
export function retired(daysAgo: number): Partial<GcItem> {
  return { lifecycle: 'Retired', retiredAtMs: NOW_MS - daysAgo * DAY_MS };
}

/** At most 90 % used, no least free bytes, no rules. */
export function aGcPolicy(over: Partial<Omit<GcPolicy, 'rules'>> & { readonly rules?: Partial<GcPolicy['rules']> } = {}): GcPolicy {
  return { maxDiskUsagePercent: 90, minFreeBytes: 0, ...over, rules: { keepActive: false, keepUsedWithinMs: null, deleteRetiredAfterMs: null, ...over.rules } };
}

/** Half of a disk of 1000 bytes is used; nothing is in use and nothing is needed. */
export function aGcInput(items: readonly GcItem[], over: Partial<GcInput> = {}): GcInput {
  return { items, disk: { usedBytes: 500, freeBytes: 500 }, policy: aGcPolicy(), nowMs: NOW_MS, useOf: () => null, neededBytes: 0, ...over };
}
