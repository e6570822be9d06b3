import { usedPercent } from '@corral/catalog-core';
import type { DiskUse, GcDeletion, GcKept, GcPolicy } from '@corral/catalog-core';
import type { GcPlan, GcReport } from '@corral/contracts';
import type { GarbageCollector, GcRun, PlannedGc } from './garbage-collector.js';

type Place = Pick<GarbageCollector, 'path' | 'policy'>;

const GB = 1_000_000_000;

/** A plan as it is answered. [D-38] */
export function gcPlanView({ plan, disk }: PlannedGc, { path, policy }: Place): GcPlan {
  return {
    would_delete: plan.deletions.map(deletionView),
    kept: plan.kept.map(keptView),
    disk: diskView(path, disk),
    thresholds: thresholdsView(policy),
    thresholds_met: plan.thresholdsMet,
    thresholds_met_after: plan.thresholdsMetAfter,
    disk_after: diskView(path, plan.diskAfter),
  };
}

/** What a pass did, as it is answered. What was spared at the last moment is among what was kept. [D-35] */
export function gcReportView(run: GcRun, { path, policy }: Place): GcReport {
  const { trigger, startedAtMs, durationMs, deleted, failed, spared, plan, disk, diskAfter, thresholdsMetAfter } = run;
  return {
    trigger,
    started_at: new Date(startedAtMs).toISOString(),
    duration_ms: durationMs,
    deleted: deleted.map(deletionView),
    failed: failed.map((one) => ({ ...deletionView(one), error: one.error })),
    kept: [...plan.kept.map(keptView), ...spared.map(({ item, reason }) => ({ id: item.id, kind: item.kind, rule: 'InUse' as const, reason }))],
    freed_bytes: deleted.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    disk: diskView(path, disk),
    disk_after: diskView(path, diskAfter),
    thresholds: thresholdsView(policy),
    thresholds_met_after: thresholdsMetAfter,
  };
}

function deletionView({ item, rule, freedBytes }: GcDeletion): GcPlan['would_delete'][number] {
  return { id: item.id, kind: item.kind, rule, bytes: freedBytes };
}

function keptView({ item, rule, reason }: GcKept): GcPlan['kept'][number] {
  return { id: item.id, kind: item.kind, rule, reason };
}

function diskView(path: string, disk: DiskUse): GcPlan['disk'] {
  const { usedBytes, freeBytes } = disk;
  return { path, used_percent: rounded(usedPercent(disk), 2), free_gb: rounded(Math.max(0, freeBytes) / GB, 3), total_bytes: Math.max(0, usedBytes + freeBytes), free_bytes: Math.max(0, freeBytes) };
}

function thresholdsView({ maxDiskUsagePercent, minFreeBytes }: GcPolicy): GcPlan['thresholds'] {
  return { max_disk_usage_percent: maxDiskUsagePercent, min_free_gb: minFreeBytes / GB };
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
