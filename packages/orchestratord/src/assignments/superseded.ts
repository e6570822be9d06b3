import type { ModelSpec, Tier } from '@corral/contracts';
import { versionInstanceId } from '../instances/implicit-instance.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import { keyOfView, type AssignmentView } from './assignment-view.js';
import type { ActiveInstance } from './demand.js';
import { targetOf } from './places-to-be.js';
import { needBytesIn } from './residency-input.js';
import type { WorldLook } from './residency-world.js';
import type { WantedChange } from './wanted-set.js';

/** What an instance runs by the definitions that are served. */
export interface Runs {
  readonly model: ModelSpec;
  readonly tier: Tier;
}

export interface SupersededSources {
  readonly world: WorldLook;
  /** `null` where its definition is gone, or it is none that has one. */
  runsOf(view: AssignmentView): Runs | null;
  /** Whether one replica serves both. */
  isSameReplica(a: ModelSpec, b: ModelSpec): boolean;
  /** Who holds an earlier version for tasks that are under way. */
  readonly holders: readonly ActiveInstance[];
}

export interface Superseded {
  readonly changes: readonly WantedChange[];
  /** Something waits until the requests of its earlier definition have ended. */
  readonly isPostponed: boolean;
}

/** Requests of an earlier definition keep its replica: whoever runs something else from now on no longer does. Pure. [F-05 F-31] */
export function heldVersions({ world, holders }: Pick<SupersededSources, 'world' | 'holders'>): readonly WantedChange[] {
  const seen = new Set<string>();
  return holders.flatMap(({ orgId, instanceId, heldFor }): WantedChange[] => {
    if (heldFor === undefined || seen.has(instanceId)) return [];
    seen.add(instanceId);
    const own = world.viewOf(`${orgId}/${instanceId}`);
    const serving = world.viewsOf(modelKeyOf(heldFor)).find((view) => view.assignment.wanted === 'resident' && keyOfView(view) !== `${orgId}/${instanceId}`);
    if (own?.assignment.wanted === 'resident' || serving === undefined) return [];
    const reason = `requests that an earlier definition of ${heldFor.model_id} accepted are under way`;
    return [{ instance: { orgId, instanceId, tier: 'demand' }, model: heldFor, wanted: 'resident', target: targetOf(serving), source: 'demand', reason }];
  });
}

/**
 * Brings what is wanted in line with the definitions that are served. What keeps its bytes and shape keeps its replica.
 * What needs another replica gets it where one was prepared, or at once where nothing of the old is in use: its node
 * loads it beside the old where memory allows, else after it. Else it waits until nothing is. Pure. [C-40 E-10 F-31 F-32]
 */
export function supersededChanges({ world, runsOf, isSameReplica, holders }: SupersededSources): Superseded {
  const inUse = new Set(holders.flatMap(({ heldFor }) => (heldFor === undefined ? [] : [modelKeyOf(heldFor)])));
  let isPostponed = false;
  const changes = world.views.flatMap((view): WantedChange[] => {
    const { assignment, modelKey } = view;
    const runs = runsOf(view);
    if (runs === null || (runs.tier === assignment.tier && isSameSpec(runs.model, assignment.model))) return [];
    const { org_id, instance_id, wanted } = assignment;
    const reason = `the definition of ${runs.model.model_id} has changed`;
    const change: WantedChange = { instance: { orgId: org_id, instanceId: instance_id, tier: runs.tier }, model: runs.model, wanted, target: targetOf(view), source: 'startup', reason };
    if (wanted !== 'resident' || modelKeyOf(runs.model) === modelKey || isSameReplica(runs.model, assignment.model) || isPrepared(view, runs.model, world)) return [change];
    if (inUse.has(modelKey)) {
      isPostponed = true;
      return [];
    }
    return [fitsInPlace(view, runs.model, world) ? change : { ...change, wanted: 'on_disk', event: 'unload' }];
  });
  return { changes, isPostponed };
}

/** Whether the pool has, or is about to have, the replica that the new definition asks for. */
function isPrepared({ assignment }: AssignmentView, model: ModelSpec, world: WorldLook): boolean {
  const prepared = world.viewOf(`${IMPLICIT_ORG}/${versionInstanceId(modelKeyOf(model))}`)?.assignment;
  return prepared?.wanted === 'resident' && prepared.target.pool_id === assignment.target.pool_id;
}

/** Whether the new replica has room once the old one has gone; true where nobody can tell, since its node can. */
function fitsInPlace({ assignment, modelKey }: AssignmentView, model: ModelSpec, world: WorldLook): boolean {
  const pool = world.pools.find(({ poolId }) => poolId === assignment.target.pool_id);
  if (pool === undefined) return true;
  const needBytes = needBytesIn(world, pool, model);
  const others = pool.status.replicas.filter((replica) => world.keyOf(replica) !== modelKey && replica.state !== 'parked');
  return needBytes === null || needBytes + others.reduce((sum, { memory_bytes }) => sum + memory_bytes, 0) <= pool.status.memory_total_bytes;
}

function isSameSpec(a: ModelSpec, b: ModelSpec): boolean {
  if (a === b) return true;
  const isSame = a.model_id === b.model_id && a.digest === b.digest && a.context === b.context && a.slots === b.slots && a.pinned === b.pinned;
  return isSame && a.sources.length === b.sources.length && a.sources.every((source, n) => source === b.sources[n]);
}
