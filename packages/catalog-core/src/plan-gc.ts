import { lastUseMs, usedPercent } from './gc-item.js';
import type { DiskUse, GcItem } from './gc-item.js';
import type { RetentionRules } from './retention-rules.js';

/** Thresholds and rules of a node. [D-30] */
export interface GcPolicy {
  readonly maxDiskUsagePercent: number;
  readonly minFreeBytes: number;
  readonly rules: RetentionRules;
}

export type GcDeleteRule = 'DeleteRetired' | 'Pressure';
export type GcKeepRule = 'InUse' | 'KeepPinned' | 'KeepActive' | 'KeepRecentlyUsed' | 'External' | 'NotNeeded';

export interface GcDeletion {
  readonly item: GcItem;
  readonly rule: GcDeleteRule;
  /** On the disk; 0 where the file stays for another entry, or is used in place. */
  readonly freedBytes: number;
}

export interface GcKept {
  readonly item: GcItem;
  readonly rule: GcKeepRule;
  readonly reason: string;
}

export interface GcInput {
  readonly items: readonly GcItem[];
  readonly disk: DiskUse;
  readonly policy: GcPolicy;
  readonly nowMs: number;
  /** Why an item cannot go because somebody works with it; `null` = nobody does. */
  readonly useOf: (item: GcItem) => string | null;
  /** Bytes of a fetch that is about to begin; 0 = none. */
  readonly neededBytes: number;
}

export interface GcPlan {
  /** In the order of deletion. */
  readonly deletions: readonly GcDeletion[];
  /** In the order of the items. */
  readonly kept: readonly GcKept[];
  readonly thresholdsMet: boolean;
  readonly diskAfter: DiskUse;
  /** With the coming fetch on the disk as well. */
  readonly thresholdsMetAfter: boolean;
  /** Whether the coming fetch fits in what is free then, thresholds or not. */
  readonly fits: boolean;
}

/**
 * Decides what leaves a node's disk.
 *
 * What is in use, pinned or kept by a rule never goes. What has been retired long enough goes on every pass. Then, while a
 * threshold is broken, the least recently used of the rest goes, a file with all of its entries; where that is not enough,
 * everything protected stays all the same and `thresholdsMetAfter` says so. For a fetch that would not fit even then, nothing
 * more goes than without it. Pure; the same input gives the same plan in any order of items. [D-34 T-69 T-70]
 */
export function planGc(input: GcInput): GcPlan {
  const items = input.items.toSorted(byUse);
  const protection = new Map(items.map((item) => [item, protectionOf(item, input)]));
  const free = (item: GcItem) => protection.get(item) === null;
  const aged = items.filter((item) => free(item) && isAged(item, input));
  const afterAged = freeing(aged, items, 'DeleteRetired', new Set());
  const gone = new Set(aged);
  const diskAfterAged = without(input.disk, afterAged);
  const candidates = groupsOf(items).filter((group) => group.every((item) => gone.has(item) || (free(item) && isReclaimable(item))) && group.some((item) => !gone.has(item)));
  const reclaimableBytes = candidates.reduce((sum, group) => sum + bytesOf(group), 0);
  const isPossible = input.neededBytes <= diskAfterAged.freeBytes + reclaimableBytes;
  const demandBytes = isPossible ? input.neededBytes : 0;
  const pressed = pressure(candidates, diskAfterAged, { ...input, neededBytes: demandBytes }).filter((item) => !gone.has(item));
  const deletions = [...afterAged, ...freeing(pressed, items, 'Pressure', gone)];
  const diskAfter = without(input.disk, deletions);
  const deleted = new Set(deletions.map(({ item }) => item));
  return {
    deletions,
    kept: input.items.filter((item) => !deleted.has(item)).map((item) => ({ item, ...(protection.get(item) ?? remaining(item)) })),
    thresholdsMet: meets(input.disk, input.policy, 0),
    diskAfter,
    thresholdsMetAfter: meets(diskAfter, input.policy, input.neededBytes),
    fits: diskAfter.freeBytes >= input.neededBytes,
  };
}

/** Why an item may not be deleted, whatever asks for it; `null` = it may. [D-31 D-34] */
export function protectionOf(item: GcItem, { policy: { rules }, nowMs, useOf }: Pick<GcInput, 'policy' | 'nowMs' | 'useOf'>): Pick<GcKept, 'rule' | 'reason'> | null {
  const use = useOf(item);
  if (use !== null) return { rule: 'InUse', reason: use };
  if (item.pinned) return { rule: 'KeepPinned', reason: 'an operator has pinned it' };
  if (rules.keepActive && item.lifecycle === 'Active') return { rule: 'KeepActive', reason: 'it is active' };
  if (rules.keepUsedWithinMs !== null && nowMs - lastUseMs(item) < rules.keepUsedWithinMs)
    return { rule: 'KeepRecentlyUsed', reason: item.lastUsedMs === null ? 'it was added not long ago' : 'it was used not long ago' };
  return null;
}

/** Whether the disk keeps both thresholds with so many more bytes on it. */
export function meets({ usedBytes, freeBytes }: DiskUse, { maxDiskUsagePercent, minFreeBytes }: GcPolicy, moreBytes: number): boolean {
  const disk = { usedBytes: usedBytes + moreBytes, freeBytes: freeBytes - moreBytes };
  return disk.freeBytes >= minFreeBytes && usedPercent(disk) <= maxDiskUsagePercent;
}

function isAged({ retiredAtMs }: GcItem, { policy: { rules }, nowMs }: GcInput): boolean {
  return rules.deleteRetiredAfterMs !== null && retiredAtMs !== null && nowMs - retiredAtMs >= rules.deleteRetiredAfterMs;
}

/** Whether its deletion gives the measured disk anything. */
function isReclaimable({ external, isOnDisk, sizeBytes }: GcItem): boolean {
  return !external && isOnDisk && sizeBytes > 0;
}

function remaining({ external, isOnDisk }: GcItem): Pick<GcKept, 'rule' | 'reason'> {
  if (external) return { rule: 'External', reason: 'its file is used in place, so deleting it would free nothing' };
  return { rule: 'NotNeeded', reason: isOnDisk ? 'nothing asks for its deletion' : 'it lies on another disk' };
}

/** Least recently used groups first, until the thresholds hold; all of them where they never do. */
function pressure(candidates: readonly (readonly GcItem[])[], disk: DiskUse, { policy, neededBytes }: GcInput): readonly GcItem[] {
  const chosen: GcItem[] = [];
  let left = disk;
  for (const group of candidates.toSorted((a, b) => lastOf(a) - lastOf(b) || byUse(a[0] as GcItem, b[0] as GcItem))) {
    if (meets(left, policy, neededBytes)) break;
    chosen.push(...group);
    left = { usedBytes: left.usedBytes - bytesOf(group), freeBytes: left.freeBytes + bytesOf(group) };
  }
  return chosen;
}

/** Deletions in order; a file's bytes count with the last entry that holds it. */
function freeing(chosen: readonly GcItem[], items: readonly GcItem[], rule: GcDeleteRule, goneBefore: ReadonlySet<GcItem>): readonly GcDeletion[] {
  const holders = new Map<string, number>();
  for (const item of items) if (!goneBefore.has(item)) holders.set(placeOf(item), (holders.get(placeOf(item)) ?? 0) + 1);
  return chosen.map((item) => {
    const left = (holders.get(placeOf(item)) ?? 1) - 1;
    holders.set(placeOf(item), left);
    return { item, rule, freedBytes: left === 0 && !item.external ? item.sizeBytes : 0 };
  });
}

function without({ usedBytes, freeBytes }: DiskUse, deletions: readonly GcDeletion[]): DiskUse {
  const freed = deletions.reduce((sum, { item, freedBytes }) => sum + (item.isOnDisk ? freedBytes : 0), 0);
  return { usedBytes: usedBytes - freed, freeBytes: freeBytes + freed };
}

function groupsOf(items: readonly GcItem[]): readonly (readonly GcItem[])[] {
  const groups = new Map<string, GcItem[]>();
  for (const item of items) {
    const group = groups.get(placeOf(item));
    if (group === undefined) groups.set(placeOf(item), [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

function placeOf({ kind, path }: GcItem): string {
  return `${kind}:${path}`;
}

function bytesOf(group: readonly GcItem[]): number {
  return group[0]?.sizeBytes ?? 0;
}

function lastOf(group: readonly GcItem[]): number {
  return Math.max(...group.map(lastUseMs));
}

function byUse(a: GcItem, b: GcItem): number {
  return lastUseMs(a) - lastUseMs(b) || order(a.kind, b.kind) || order(a.id, b.id);
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
