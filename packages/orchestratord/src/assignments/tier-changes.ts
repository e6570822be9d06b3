import { overCeiling, planIdle } from '@corral/orchestrator-core';
import type { InstanceRecord } from '../store/instance-rows.js';
import { keyOfView, type AssignmentView } from './assignment-view.js';
import { letGo, type Draft } from './plan-changes.js';
import type { Wish } from './residency-input.js';

const DEMAND_TTL_S = 600;
const WARM_TTL_S = 3_600;

/** What time and ceiling are looked up in. Times are monotonic milliseconds. */
export interface TierSources {
  readonly views: readonly AssignmentView[];
  recordOf(key: string): InstanceRecord | undefined;
  lastUsedMs(key: string): number;
  /** Requests of it run or wait, or it was called for at this moment. */
  isActive(key: string): boolean;
}

export interface IdleChanges {
  readonly changes: readonly Draft[];
  /** When to look again; `null` when no instance's time passes. */
  readonly nextMs: number | null;
}

/** Instances that nobody has used for their whole time: demand ones leave device memory, staged ones RAM. Pure. [C-64 C-65] */
export function idleChanges({ views, recordOf, lastUsedMs, isActive }: TierSources, nowMs: number): IdleChanges {
  const mayLeave = views.filter(({ assignment }) => (assignment.wanted === 'resident' && assignment.tier === 'demand') || (assignment.wanted === 'staged' && !assignment.model.pinned));
  const idle = mayLeave.map((view) => {
    const key = keyOfView(view);
    return { key, isBusy: isActive(key) || isOnItsWay(view), lastUsedMs: lastUsedMs(key), ttlMs: ttlMsOf(view, recordOf(key)) };
  });
  const { expired, nextMs } = planIdle(idle, nowMs);
  const changes = mayLeave.filter((view) => expired.includes(keyOfView(view))).map((view) => leaving(view, recordOf(keyOfView(view))));
  return { changes, nextMs };
}

/** Instances that count against the ceiling on hot ones and are too many, least recently used first. Pure. [C-63] */
export function beyondCeiling(sources: TierSources, wishes: readonly Wish[], ceiling: number | null): ReadonlySet<string> {
  if (ceiling === null) return new Set();
  const keys = new Set<string>();
  for (const view of sources.views) if (view.assignment.wanted === 'resident' && countsAsHot(sources.recordOf(keyOfView(view)), view.assignment.tier)) keys.add(keyOfView(view));
  for (const { demand } of wishes) {
    const key = `${demand.instance.orgId}/${demand.instance.instanceId}`;
    if (countsAsHot(sources.recordOf(key), demand.instance.tier)) keys.add(key);
  }
  return new Set(overCeiling([...keys].map((key) => ({ key, lastUsedMs: sources.lastUsedMs(key) })), ceiling));
}

/** Demotes those of them that are resident: what an API holds stays warm. Pure. [C-63] */
export function ceilingChanges({ views, recordOf }: TierSources, beyond: ReadonlySet<string>, ceiling: number | null): readonly Draft[] {
  return views
    .filter((view) => view.assignment.wanted === 'resident' && beyond.has(keyOfView(view)))
    .map((view): Draft => {
      const isExplicit = recordOf(keyOfView(view))?.kind === 'explicit';
      const reason = `${view.assignment.model.model_id} is demoted: no more than ${ceiling} instances may be hot, and this one was used longest ago`;
      const change = demotion(view, reason);
      return isExplicit ? { ...change, instance: { ...change.instance, tier: 'warm' }, heldTier: 'warm' } : change;
    });
}

/** An instance of another tier than demand is hot when it is resident; one of tier demand when a load says so. */
function countsAsHot(record: InstanceRecord | undefined, tier: Wish['demand']['instance']['tier']): boolean {
  return tier === 'hot' || (record?.tier ?? tier) !== 'demand';
}

function isOnItsWay({ assignment, status }: AssignmentView): boolean {
  return status?.residency !== assignment.wanted;
}

/** An implicit instance has the time of its route; a bare model stays. */
function ttlMsOf({ assignment }: AssignmentView, record: InstanceRecord | undefined): number | null {
  if (assignment.wanted === 'staged') return (record?.tier === 'warm' ? (record.ttlS ?? WARM_TTL_S) : WARM_TTL_S) * 1_000;
  if (record === undefined) return null;
  const ttlS = record.ttlS ?? (record.kind === 'explicit' ? DEMAND_TTL_S : null);
  return ttlS === null ? null : ttlS * 1_000;
}

function leaving(view: AssignmentView, record: InstanceRecord | undefined): Draft {
  const { model, wanted } = view.assignment;
  if (wanted === 'resident') return { ...demotion(view, `${model.model_id} was not used for its whole time to live`), ...letGo(record?.heldTier ?? null) };
  const { isDemotion: _, ...change } = demotion(view, `${model.model_id} was not used for its whole time in RAM`);
  return { ...change, ...(record?.heldTier === 'warm' ? { heldTier: null } : {}) };
}

function demotion({ assignment }: AssignmentView, reason: string): Draft {
  const { org_id, instance_id, tier, model, target } = assignment;
  return { instance: { orgId: org_id, instanceId: instance_id, tier }, model, wanted: 'on_disk', event: 'unload', isDemotion: true, target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'watchdog', reason };
}
