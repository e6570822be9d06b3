import type { ModelSpec, Tier } from '@corral/contracts';
import { isVersionInstance, versionInstanceId } from '../instances/implicit-instance.js';
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
    const isTaken = world.views.some((other) => other !== view && other.modelKey === modelKey && other.assignment.wanted === 'resident' && other.assignment.target.pool_id === assignment.target.pool_id && !isLeaving(other, runsOf(other)));
    return [takesItsPlace(view, runs.model, { world, isTaken }) ? change : { ...change, wanted: 'on_disk', event: 'unload' }];
  });
  return { changes, isPostponed };
}

/** Whether the pool has, or is about to have, the replica that the new definition asks for. */
function isPrepared({ assignment }: AssignmentView, model: ModelSpec, world: WorldLook): boolean {
  const prepared = world.viewOf(`${IMPLICIT_ORG}/${versionInstanceId(modelKeyOf(model))}`)?.assignment;
  return prepared?.wanted === 'resident' && prepared.target.pool_id === assignment.target.pool_id;
}

/** Whether an instance is about to run something else; what is held for requests alone is gone with them. */
function isLeaving({ assignment, modelKey }: AssignmentView, runs: Runs | null): boolean {
  return isVersionInstance(assignment.instance_id) || (runs !== null && modelKeyOf(runs.model) !== modelKey);
}

/**
 * Whether the new replica may follow the old one in its place without a plan: it is wanted there already, or it is the
 * same model in another version and nothing has to leave for it. Where nobody can tell, its node can.
 */
function takesItsPlace(view: AssignmentView, model: ModelSpec, around: { readonly world: WorldLook; readonly isTaken: boolean }): boolean {
  const isWanted = around.world.views.some(({ assignment, modelKey }) => assignment.wanted === 'resident' && assignment.target.pool_id === view.assignment.target.pool_id && modelKey === modelKeyOf(model));
  return isWanted || (model.model_id === view.assignment.model.model_id && fitsInItsPlace(view, model, around));
}

/**
 * Whether a replica of the model fits where an instance is, once what serves it there has left or, where others want that
 * as well (`isTaken`), beside it. True where nobody can tell: its node can.
 */
export function fitsInItsPlace({ assignment, modelKey }: AssignmentView, model: ModelSpec, { world, isTaken }: { readonly world: WorldLook; readonly isTaken: boolean }): boolean {
  const pool = world.pools.find(({ poolId }) => poolId === assignment.target.pool_id);
  const wantedHere = world.views.filter((view) => view.assignment.wanted === 'resident' && view.assignment.target.pool_id === assignment.target.pool_id);
  const others = new Map(wantedHere.filter((view) => isTaken || view.modelKey !== modelKey).map((view) => [view.modelKey, view.assignment.model]));
  if (others.has(modelKeyOf(model)) || pool === undefined) return true;
  const { replicas_max: replicasMax, memory_total_bytes: totalBytes } = pool.status;
  if (replicasMax !== null && others.size + 1 > replicasMax) return false;
  const needBytes = needBytesIn(world, pool, model);
  const takenBytes = [...others.values()].reduce((sum, other) => sum + (needBytesIn(world, pool, other) ?? 0), 0);
  return needBytes === null || needBytes + takenBytes <= totalBytes;
}

function isSameSpec(a: ModelSpec, b: ModelSpec): boolean {
  if (a === b) return true;
  const isSame = a.model_id === b.model_id && a.digest === b.digest && a.context === b.context && a.slots === b.slots && a.pinned === b.pinned;
  return isSame && a.sources.length === b.sources.length && a.sources.every((source, n) => source === b.sources[n]);
}
