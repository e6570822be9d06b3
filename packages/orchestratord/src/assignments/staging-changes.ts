import type { ModelSpec, WantedResidency } from '@corral/contracts';
import { chooseStaged, type StagingReason, type StagingWish } from '@corral/orchestrator-core';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import type { NodePlace } from '../nodes/node-view.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { keyOfView, modelOn } from './assignment-view.js';
import type { Draft, PlannedWish } from './plan-changes.js';
import { stagingTarget, type Target } from './places-to-be.js';
import type { ResidencyWorld } from './residency-input.js';
import type { WantedChange } from './wanted-set.js';

export interface StagingSources {
  readonly world: ResidencyWorld;
  /** What this pass changes, in order. */
  readonly drafts: readonly Draft[];
  readonly planned: readonly PlannedWish[];
  /** Models that the manifest pins. */
  readonly pinned: readonly ModelSpec[];
  recordOf(key: string): InstanceRecord | undefined;
  lastUsedMs(key: string): number;
  /** A model that has just failed to load is not touched. */
  isBlocked(modelKey: string): boolean;
}

/** An instance as it will be once the drafts are committed. */
interface Prospect extends Omit<Draft, 'wanted' | 'reason'> {
  readonly key: string;
  readonly wanted: WantedResidency | null;
  readonly because: StagingReason | null;
  readonly reason: string;
}

/**
 * The drafts with what rests in RAM instead of on disk, and what else should: warm instances, models that a queue is
 * about to want, pinned ones, and what was demoted, as far as each node's staging area holds them. Pure. [C-71 C-200]
 */
export function withStaging(sources: StagingSources): readonly WantedChange[] {
  const prospects = prospectsOf(sources);
  const online = new Set(sources.world.places.flatMap(({ nodeId, online: isOnline }) => (isOnline ? [nodeId] : [])));
  // A node that is away, or was not heard of yet, keeps what it had: nothing that is decided now would reach it.
  const kept = prospects.filter(({ wanted, target }) => wanted === 'staged' && !online.has(target.nodeId)).map(({ key }) => key);
  const chosen = new Set([...kept, ...sources.world.places.flatMap((place) => [...chosenOn(place, prospects, sources)])]);
  const drafts = sources.drafts.map((draft, n) => {
    const key = `${draft.instance.orgId}/${draft.instance.instanceId}`;
    const isLast = !sources.drafts.slice(n + 1).some((later) => `${later.instance.orgId}/${later.instance.instanceId}` === key);
    if (!isLast || draft.wanted === 'resident' || draft.wanted === 'absent') return draft;
    return { ...draft, wanted: chosen.has(key) ? ('staged' as const) : ('on_disk' as const) };
  });
  const drafted = new Set(drafts.map(({ instance }) => `${instance.orgId}/${instance.instanceId}`));
  const others = prospects.filter(({ key }) => !drafted.has(key)).flatMap((one) => extraChange(one, chosen.has(one.key)) ?? []);
  return [...drafts, ...others];
}

function extraChange(prospect: Prospect, isChosen: boolean): WantedChange | null {
  const { because, wanted, instance, model, target, source, reason: why } = prospect;
  const rest = { instance, model, target, source, reason: why };
  if (isChosen) return wanted === 'staged' ? null : { ...rest, wanted: 'staged', event: 'load' };
  if (wanted !== 'staged') return null;
  const reason = because === null ? `nothing wants ${rest.model.model_id} in RAM` : `the staging area of node ${rest.target.nodeId} has no room for ${rest.model.model_id}`;
  return { ...rest, wanted: 'on_disk', event: 'unload', reason };
}

function chosenOn(place: NodePlace, prospects: readonly Prospect[], { lastUsedMs, isBlocked }: StagingSources): ReadonlySet<string> {
  const here = prospects.filter(({ target }) => target.nodeId === place.nodeId);
  const { staging } = place;
  if (!place.online || staging === null) return new Set();
  const failed = new Set(staging.failures.map(({ digest }) => digest));
  const wishes = here.flatMap(({ key, because, model, wanted }): StagingWish[] => {
    const file = modelOn(place, model);
    if (because === null || (file === undefined && because !== 'warm')) return [];
    if (wanted !== 'staged' && because !== 'warm' && (isBlocked(modelKeyOf(model)) || (file !== undefined && failed.has(file.digest)))) return [];
    return [{ key, file: file?.digest ?? model.model_id, sizeBytes: file?.size_bytes ?? 0, because, lastUsedMs: lastUsedMs(key) }];
  });
  const inUse = staging.entries.filter(({ leases, pinned }) => leases > 0 || pinned);
  const roomBytes = staging.max_bytes - inUse.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  return chooseStaged(wishes, Math.max(0, roomBytes), new Set(inUse.map(({ digest }) => digest)));
}

/** Every instance that is, or is about to be, less than resident, and why it should be staged. */
function prospectsOf(sources: StagingSources): readonly Prospect[] {
  const { world, drafts, planned } = sources;
  const byKey = new Map<string, Prospect>();
  for (const view of world.views) {
    const { org_id, instance_id, tier, model, target, wanted, reason, source } = view.assignment;
    byKey.set(keyOfView(view), { key: keyOfView(view), instance: { orgId: org_id, instanceId: instance_id, tier }, model, wanted, target: { nodeId: target.node_id, poolId: target.pool_id }, reason, source, because: wanted === 'staged' ? 'leftover' : null });
  }
  for (const draft of drafts) {
    const key = `${draft.instance.orgId}/${draft.instance.instanceId}`;
    byKey.set(key, { ...draft, key, because: draft.isDemotion === true || draft.wanted === 'staged' ? 'leftover' : null });
  }
  for (const one of waitingOnes(planned, byKey, world)) byKey.set(one.key, one);
  for (const one of pinnedOnes(sources, byKey)) byKey.set(one.key, one);
  for (const [key, one] of byKey) {
    const held = drafts.findLast((draft) => `${draft.instance.orgId}/${draft.instance.instanceId}` === key && draft.heldTier !== undefined)?.heldTier;
    if ((held === undefined ? sources.recordOf(key)?.heldTier : held) === 'warm') byKey.set(key, { ...one, because: 'warm' });
  }
  return [...byKey.values()].filter(({ wanted }) => wanted !== 'resident' && wanted !== 'absent');
}

/** Models whose turn is not yet: their weights come into RAM meanwhile. */
function waitingOnes(planned: readonly PlannedWish[], byKey: ReadonlyMap<string, Prospect>, world: ResidencyWorld): readonly Prospect[] {
  return planned.flatMap(({ wish, plan }): Prospect[] => {
    const { instance, model, modelKey } = wish.demand;
    const key = `${instance.orgId}/${instance.instanceId}`;
    const known = byKey.get(key);
    if (known?.wanted === 'resident' || known?.because === 'waiting') return [];
    const target = plan.kind === 'wait' ? plan : plan.kind === 'impossible' && plan.reason === 'held' ? (known?.target ?? stagingTarget(world, model, undefined)) : null;
    if (target === null || world.views.some((view) => view.modelKey === modelKey && view.assignment.wanted === 'resident' && view.assignment.target.node_id === target.nodeId)) return [];
    return [{ key, instance, model, wanted: known?.wanted ?? null, target: { nodeId: target.nodeId, poolId: target.poolId }, source: wish.source, because: 'waiting', reason: `${model.model_id} is staged while it waits for its turn in ${target.poolId}` }];
  });
}

function pinnedOnes({ world, pinned }: StagingSources, byKey: ReadonlyMap<string, Prospect>): readonly Prospect[] {
  return pinned.flatMap((model): Prospect[] => {
    const instanceId = implicitInstanceId('model', model.model_id);
    const key = `${IMPLICIT_ORG}/${instanceId}`;
    const known = byKey.get(key);
    const isResident = [...byKey.values()].some((one) => one.wanted === 'resident' && one.model.model_id === model.model_id);
    const target: Target | null = known?.target ?? stagingTarget(world, model, undefined);
    if (isResident || target === null) return [];
    const reason = `${model.model_id} is staged ahead of need: the manifest pins it`;
    return [{ key, instance: { orgId: IMPLICIT_ORG, instanceId, tier: 'demand' }, model, wanted: known?.wanted ?? null, target, source: known?.source ?? 'startup', because: 'pinned', reason }];
  });
}
