import type { Tier } from '@corral/contracts';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import { instanceKeyOf } from '../instances/instance-registry.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import type { ServedRoute } from '../manifest/served-manifest.js';
import type { InstanceKey, InstanceRecord } from '../store/instance-rows.js';
import type { Demand } from './demand.js';
import type { Wish } from './residency-input.js';

/** Calls of operators come before every task: each is older than the oldest. */
const BEFORE_TASKS = -1e12;

interface Standing {
  readonly instance: ResolvedInstance;
  readonly modelId: string;
  readonly placement: Demand['placement'];
  /** Number of the call that asked for it and that it has not been loaded for yet; `null` = it had its turn. */
  readonly askedSeq: number | null;
}

/**
 * What should be resident although no task waits for it: hot routes, and instances that a load holds. One that an
 * operator has asked for comes first until it was resident once; after that it is restored when there is room. Pure. [C-67 G-02]
 */
export function heldWishes(hotRoutes: readonly ServedRoute[], instances: readonly InstanceRecord[], specOf: ModelDirectory['specOf'], askedSeq: (key: string) => number | null = () => null): readonly Wish[] {
  const routes = hotRoutes.map((route): Standing => ({ instance: { orgId: IMPLICIT_ORG, instanceId: implicitInstanceId('route', route.name), tier: 'hot' }, modelId: route.modelId, placement: route.placement, askedSeq: null }));
  const explicit = instances.flatMap((record): Standing[] => {
    const { orgId, instanceId, modelRef, heldTier } = record;
    return isHeldResident(record) && heldTier !== null ? [{ instance: { orgId, instanceId, tier: heldTier }, modelId: modelRef, placement: null, askedSeq: askedSeq(instanceKeyOf(record)) }] : [];
  });
  return [...routes, ...explicit].flatMap((standing) => wishOf(standing, specOf) ?? []);
}

/** The wish of a call that is carried out now. */
export function askedWish(record: InstanceRecord, tier: Tier, seq: number, specOf: ModelDirectory['specOf']): Wish | null {
  const { orgId, instanceId, modelRef } = record;
  return wishOf({ instance: { orgId, instanceId, tier }, modelId: modelRef, placement: null, askedSeq: seq }, specOf);
}

/** Demand instances that are used while another one holds their model: they hold it too, so that it stays while either wants it. Pure. [C-65] */
export function sharingWishes(active: readonly InstanceKey[], find: (key: InstanceKey) => InstanceRecord | undefined, specOf: ModelDirectory['specOf'], isServed: (modelKey: string) => boolean): readonly Wish[] {
  return active.flatMap((key): Wish[] => {
    const record = find(key);
    if (record?.kind !== 'explicit' || record.tier !== 'demand') return [];
    const { orgId, instanceId, tier, modelRef } = record;
    const wish = wishOf({ instance: { orgId, instanceId, tier }, modelId: modelRef, placement: null, askedSeq: null }, specOf);
    return wish === null || !isServed(wish.demand.modelKey) ? [] : [{ ...wish, source: 'demand' }];
  });
}

/** Whether a load holds the instance in device memory, or would if there were room. */
function isHeldResident({ kind, status, heldTier }: InstanceRecord): boolean {
  return kind === 'explicit' && status === 'active' && heldTier !== null && heldTier !== 'warm';
}

function wishOf({ instance, modelId, placement, askedSeq }: Standing, specOf: ModelDirectory['specOf']): Wish | null {
  const model = specOf(modelId);
  if (model === undefined) return null;
  const turn = askedSeq === null ? ({ priority: 'batch', oldestArrivalSeq: Number.MAX_SAFE_INTEGER } as const) : ({ priority: 'interactive', oldestArrivalSeq: BEFORE_TASKS + askedSeq } as const);
  const demand: Demand = { modelKey: modelKeyOf(model), model, instance, ...turn, waitingMs: 0, waitingTasks: 0, placement };
  return { demand, source: askedSeq === null ? 'startup' : 'api_load' };
}
