import type { ModelSpec, ReplicaStatus } from '@corral/contracts';
import type { ModelDirectory } from '../manifest/model-directory.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { NodeDirectory, PoolView } from '../nodes/node-view.js';
import { assignmentViews, keyOfView, previousReplicaOf, type AssignmentView } from './assignment-view.js';
import type { Demand, ReplicaUse } from './demand.js';
import { poolChoice } from './pool-choice.js';
import type { ReplicaTimes } from './replica-times.js';
import type { ResidencyMemory } from './residency-memory.js';
import type { ResidencyWorld } from './residency-input.js';
import type { RoomRefusals } from './room-refusals.js';
import type { WantedSet } from './wanted-set.js';

/** Where a look at everything comes from. */
export interface WorldSources {
  readonly nodes: Pick<NodeDirectory, 'pools' | 'places'>;
  readonly models: Pick<ModelDirectory, 'keyOf' | 'factsOf' | 'specOf' | 'noteFile'>;
  readonly wanted: Pick<WantedSet, 'all'>;
  readonly memory: ResidencyMemory;
  readonly times: ReplicaTimes;
  readonly refusals: RoomRefusals;
  readonly demands: readonly Demand[];
  readonly uses: ReadonlyMap<string, ReplicaUse>;
}

/** One look at everything that plans and statuses follow from. */
export interface WorldLook extends ResidencyWorld {
  /** Model key → pools with a resident replica of it that is to stay. */
  readonly residentIn: ReadonlyMap<string, readonly string[]>;
  /** Model key → pools where servers that run by themselves have it and answer. Nothing is planned for a model that may be served there. [D-82] */
  readonly attachedIn: ReadonlyMap<string, readonly PoolView[]>;
  /** What is wanted of one instance, by `<org>/<instance>`. */
  viewOf(key: string): AssignmentView | undefined;
  /** What is wanted of every instance of one model. */
  viewsOf(modelKey: string): readonly AssignmentView[];
  /** Replicas that nobody wants where they are. */
  readonly yielding: ReadonlySet<string>;
  modelKeyOf(model: ModelSpec): string;
  nameOfModel(modelKey: string): string;
  nameOfReplica(replicaId: string): string;
}

export function lookAtWorld({ nodes, models, wanted, memory, times, refusals, demands, uses }: WorldSources, nowMs: number): WorldLook {
  const pools = nodes.pools();
  const places = nodes.places();
  const views = assignmentViews(wanted.all(), places);
  learnFiles(views, pools, models);
  const viewOf = new Map(views.map((view) => [keyOfView(view), view]));
  const viewsOf = new Map<string, AssignmentView[]>();
  for (const view of views) {
    const same = viewsOf.get(view.modelKey);
    if (same === undefined) viewsOf.set(view.modelKey, [view]);
    else same.push(view);
  }
  const wantedHere = new Set(views.flatMap(({ assignment, modelKey }) => (assignment.wanted === 'resident' ? [`${assignment.target.pool_id} ${modelKey}`] : [])));
  const kept = new Set(views.flatMap((view) => previousReplicaOf(view) ?? []));
  const waiting = new Map(demands.map(({ modelKey, waitingTasks }) => [modelKey, waitingTasks]));
  const residentIn = new Map<string, string[]>();
  const yielding = new Set<string>();
  const attachedIn = new Map<string, PoolView[]>();
  const names = new Map<string, string>();
  for (const pool of pools) {
    const { poolId, online, status } = pool;
    for (const replica of status.replicas) {
      const key = models.keyOf(replica);
      names.set(replica.replica_id, replica.model_id);
      if (replica.attached === true) {
        if (!isServing(pool) || replica.state !== 'resident') continue;
        attachedIn.set(key, [...(attachedIn.get(key) ?? []), pool]);
        residentIn.set(key, [...(residentIn.get(key) ?? []), poolId]);
      } else if (!wantedHere.has(`${poolId} ${key}`) && !kept.has(replica.replica_id)) yielding.add(replica.replica_id);
      else if (online && replica.state === 'resident') residentIn.set(key, [...(residentIn.get(key) ?? []), poolId]);
    }
  }
  return {
    pools, places, views, residentIn, attachedIn, yielding,
    viewOf: (key) => viewOf.get(key),
    viewsOf: (modelKey) => viewsOf.get(modelKey) ?? [],
    keyOf: (replica: ReplicaStatus) => models.keyOf(replica),
    useOf: (replicaId) => uses.get(replicaId),
    waitingFor: (modelKey) => waiting.get(modelKey) ?? 0,
    factsOf: (model: ModelSpec) => models.factsOf(model),
    measuredBytes: (poolId, modelKey) => memory.measuredBytes(poolId, modelKey),
    wasResident: (view) => memory.wasResident(view),
    refusedIn: (modelKey) => refusals.of(modelKey, nowMs),
    servingMs: (poolId, replicaId) => times.servingMs(poolId, replicaId, nowMs),
    idleMs: (replicaId) => times.idleMs(replicaId, nowMs),
    modelKeyOf,
    nameOfModel: (modelKey) => modelKey.slice(0, modelKey.lastIndexOf('@')) || modelKey,
    nameOfReplica: (replicaId) => names.get(replicaId) ?? replicaId,
  };
}

/** Whether a server that runs by itself has the model of a wish and may serve it: then nobody loads it anywhere. Pure. [D-82] */
export function isAttached({ attachedIn, pools }: Pick<WorldLook, 'attachedIn' | 'pools'>, { modelKey, placement }: Pick<Demand, 'modelKey' | 'placement'>): boolean {
  const serving = attachedIn.get(modelKey) ?? [];
  if (serving.length === 0) return false;
  const allowed = poolChoice(placement, pools);
  return allowed === null || serving.some(({ poolId }) => allowed.has(poolId));
}

/** Why the servers that have a model do not answer; `null` where none has it. */
export function awayReason(pools: readonly PoolView[], modelId: string): string | null {
  const away = pools.filter((pool) => pool.status.attached?.model_id === modelId && !isServing(pool));
  if (away.length === 0) return null;
  return away.map(({ poolId, nodeId, online, status }) => `pool ${poolId}: ${online ? (status.draining ? 'it is drained' : (status.last_error ?? 'it is being attached')) : `node ${nodeId} does not report`}`).join('; ');
}

function isServing({ online, status }: PoolView): boolean {
  return online && status.live && status.ready && !status.draining;
}

/** What a replica was made of tells which bytes a model without a digest means. */
function learnFiles(views: readonly AssignmentView[], pools: readonly PoolView[], models: Pick<ModelDirectory, 'noteFile'>): void {
  const unnamed = views.filter(({ assignment, status }) => assignment.model.digest === null && assignment.wanted === 'resident' && status?.replica_id != null);
  if (unnamed.length === 0) return;
  const replicas = new Map(pools.flatMap(({ status }) => status.replicas).map((replica) => [replica.replica_id, replica]));
  for (const { assignment, status } of unnamed) {
    const replica = replicas.get(status?.replica_id ?? '');
    if (replica !== undefined) models.noteFile(assignment.model, replica.digest);
  }
}
