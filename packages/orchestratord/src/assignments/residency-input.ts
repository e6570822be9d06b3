import { takesWork, type ModelFacts, type ModelSpec, type ReplicaStatus } from '@corral/contracts';
import type { ResidencyNode, ResidencyPool, ResidencyReplica, WaitingModel, WantedModel } from '@corral/orchestrator-core';
import { memoryNeedOn } from '../manifest/model-directory.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import { isSettledOnDisk, isStagedOn, modelOn, previousReplicaOf, strongestTier, type AssignmentView } from './assignment-view.js';
import type { Demand, ReplicaUse } from './demand.js';
import { poolChoice } from './pool-choice.js';

/** A model that should be resident: because tasks wait for it, an operator has asked for it, or a load holds an instance of it. */
export interface Wish {
  readonly demand: Demand;
  readonly source: 'demand' | 'startup' | 'api_load';
}

/** Everything that a plan depends on, as it is at one moment. */
export interface ResidencyWorld {
  readonly pools: readonly PoolView[];
  readonly places: readonly NodePlace[];
  readonly views: readonly AssignmentView[];
  keyOf(replica: ReplicaStatus): string;
  useOf(replicaId: string): ReplicaUse | undefined;
  /** Tasks that wait for the model, wherever they may run. */
  waitingFor(modelKey: string): number;
  factsOf(model: ModelSpec): ModelFacts | null;
  /** What a replica of the model really took in the pool; `null` when none was seen there. */
  measuredBytes(poolId: string, modelKey: string): number | null;
  /** Whether a replica of this assignment was resident before: then its failure is a crash, and the node starts it again. */
  wasResident(view: AssignmentView): boolean;
  /** Pools whose node has just had no room for the model, with the milliseconds until it is asked again. */
  refusedIn(modelKey: string): ReadonlyMap<string, number>;
  servingMs(poolId: string, replicaId: string): number;
  idleMs(replicaId: string): number;
}

/** Bytes per second where nothing was measured: RAM, a common SSD, a hundred megabits. */
const ASSUMED = { staged: 4e9, onDisk: 5e8, network: 12.5e6 } as const;
/** A node that measured less has loaded a file so small that starting the engine was all it took. */
const SLOWEST_DISK = 2e7;
/** How long a running answer lasts, where nobody knows. */
const ASSUMED_ANSWER_MS = 2_000;

/** Pools that may take a load at all. [P-14 A-22] */
export function usablePools(pools: readonly PoolView[]): readonly PoolView[] {
  return pools.filter(({ online, status }) => online && status.live && takesWork(status) && !status.draining && status.engine === 'llamacpp');
}

/** The pools as the planner reads them: what was ordered counts as there, what was told to leave as leaving. Pure. [G-20 G-21] */
export function residencyPools(world: ResidencyWorld): readonly ResidencyPool[] {
  return usablePools(world.pools).map((pool) => {
    const { poolId, nodeId, status } = pool;
    const ordered = wantedIn(world, poolId);
    const present = status.replicas.flatMap((replica) => replicaOf(world, poolId, replica, ordered.get(world.keyOf(replica)) ?? keptFor(world, poolId, replica.replica_id)) ?? []);
    const seen = new Set(present.map(({ modelKey }) => modelKey));
    const coming = [...ordered].filter(([key]) => !seen.has(key)).map(([key, views]) => orderedReplica(world, pool, key, views));
    return {
      poolId,
      nodeId,
      memoryTotalBytes: status.memory_total_bytes,
      replicasMax: status.replicas_max,
      queueMs: Math.round((coming.reduce((sum, { bytes }) => sum + bytes, 0) / ASSUMED.onDisk) * 1_000),
      replicas: [...present, ...coming],
    };
  });
}

/** Replicas whose place others may have, though they are still there. Pure. */
export function leavingReplicas(world: ResidencyWorld): ReadonlySet<string> {
  return new Set(residencyPools(world).flatMap(({ replicas }) => replicas.filter(({ state }) => state === 'draining').map(({ replicaId }) => replicaId)));
}

/** A wish with the nodes as places to load from. Pure. */
export function waitingModel({ demand, source }: Wish, world: ResidencyWorld): WaitingModel {
  const { model, modelKey, instance, priority, oldestArrivalSeq, waitingMs, placement } = demand;
  const pools = usablePools(world.pools);
  const needs = new Map(pools.map((pool) => [pool.poolId, needBytesIn(world, pool, model)]));
  const known = [...needs.values()].filter((bytes) => bytes !== null);
  const sizes = world.places.flatMap((place) => modelOn(place, model)?.size_bytes ?? []);
  const poolIds = poolChoice(placement, world.pools);
  const wanted: WantedModel = {
    modelKey,
    priority,
    arrivalSeq: oldestArrivalSeq,
    needBytes: known.length === 0 ? null : Math.min(...known),
    needBytesIn: needs,
    weightsBytes: sizes[0] ?? null,
    tier: instance.tier,
    source,
    waitingMs,
    immediate: source === 'api_load',
    refusedIn: world.refusedIn(modelKey),
    ...(poolIds === null ? {} : { poolIds }),
  };
  return { wanted, nodes: world.places.filter(({ online }) => online).map((place) => nodeOf(place, model)) };
}

/**
 * What a replica of the model takes in a pool; `null` while nobody has read the file. Where its facts have no figures
 * for the device, the file itself is the least that is needed, as it is for the node.
 */
export function needBytesIn(world: ResidencyWorld, { poolId, nodeId, status }: PoolView, model: ModelSpec): number | null {
  const modelKey = modelKeyOf(model);
  const measured = world.measuredBytes(poolId, modelKey);
  if (measured !== null) return measured;
  const facts = world.factsOf(model);
  const need = facts === null || status.device_kind === null ? null : memoryNeedOn(status.device_kind, facts, model);
  if (need !== null) return need.weightsBytes + need.contextBytes;
  const file = modelOn(world.places.find((place) => place.nodeId === nodeId), model);
  const isRead = facts !== null || world.views.some((view) => view.modelKey === modelKey && view.place?.nodeId === nodeId && isSettledOnDisk(view));
  return isRead ? (file?.size_bytes ?? null) : null;
}

function nodeOf(place: NodePlace, model: ModelSpec): ResidencyNode {
  return {
    nodeId: place.nodeId,
    weights: weightsAt(place, model),
    // What only a catalog knows can be fetched from nowhere.
    canFetch: model.sources.some((source) => !source.startsWith('catalog:')),
    bytesPerS: bandwidthOf(place),
  };
}

/** The nearest place from which the node can load it. */
function weightsAt(place: NodePlace, model: ModelSpec): ResidencyNode['weights'] {
  const file = modelOn(place, model);
  if (isStagedOn(place, file?.digest ?? model.digest)) return 'staged';
  return file === undefined ? 'absent' : 'on_disk';
}

function bandwidthOf({ bytesPerS }: NodePlace): ResidencyNode['bytesPerS'] {
  return { staged: bytesPerS.staged ?? ASSUMED.staged, onDisk: Math.max(SLOWEST_DISK, bytesPerS.onDisk ?? ASSUMED.onDisk), network: bytesPerS.network ?? ASSUMED.network };
}

/** What it takes to bring the weights from where a node has them into device memory, milliseconds; `null` when the size is not known. */
export function loadEstimateMs(place: NodePlace, model: ModelSpec, sizeBytes: number | null): number | null {
  const bytes = modelOn(place, model)?.size_bytes ?? sizeBytes;
  if (bytes === null) return null;
  const { staged, onDisk, network } = bandwidthOf(place);
  const at = weightsAt(place, model);
  const seconds = at === 'staged' ? bytes / staged : at === 'on_disk' ? bytes / onDisk : bytes / network + bytes / onDisk;
  return Math.ceil(seconds * 1_000);
}

/** Assignments that want a model resident in the pool, by model key. */
function wantedIn({ views }: ResidencyWorld, poolId: string): ReadonlyMap<string, readonly AssignmentView[]> {
  const byKey = new Map<string, AssignmentView[]>();
  for (const view of views) {
    // One that its node had no room for holds no place.
    if (view.assignment.wanted !== 'resident' || view.assignment.target.pool_id !== poolId || view.status?.no_room === true) continue;
    byKey.set(view.modelKey, [...(byKey.get(view.modelKey) ?? []), view]);
  }
  return byKey;
}

/**
 * Whom a replica serves in the place of one that could not be loaded, or that is not there yet. One whose successor is
 * ready, or waits for nothing but the device, leaves without anybody's doing: its place is not to be had. [C-261 C-266]
 */
export function keptFor(world: Pick<ResidencyWorld, 'views' | 'pools' | 'keyOf'>, poolId: string, replicaId: string): readonly AssignmentView[] {
  return world.views.filter((view) => view.assignment.target.pool_id === poolId && previousReplicaOf(view) === replicaId && !isTakenOver(view, world));
}

/** Before the node has heard of the wish, a successor that serves others already is ready for this one too. */
function isTakenOver({ assignment, modelKey, status }: AssignmentView, { pools, keyOf }: Pick<ResidencyWorld, 'pools' | 'keyOf'>): boolean {
  if (status !== undefined) return status.residency === 'resident' || status.residency === 'loading' || status.progress?.phase === 'waiting_for_memory';
  const replicas = pools.find(({ poolId }) => poolId === assignment.target.pool_id)?.status.replicas ?? [];
  return replicas.some((replica) => replica.state === 'resident' && keyOf(replica) === modelKey);
}

/** `null` for one that is parked: it is in nobody's way, and one that is wanted again counts as ordered. [C-251] */
function replicaOf(world: ResidencyWorld, poolId: string, replica: ReplicaStatus, wantedBy: readonly AssignmentView[]): ResidencyReplica | null {
  const { state } = replica;
  if (state === 'parked') return null;
  const use = world.useOf(replica.replica_id);
  const modelKey = world.keyOf(replica);
  const leases = use?.leases ?? 0;
  return {
    replicaId: replica.replica_id,
    modelKey,
    bytes: replica.memory_bytes,
    state: stateOf(world, state, wantedBy),
    leases,
    // A replica that has just become ready has no use yet; who waits for its model waits for it.
    queued: Math.max(use?.queued ?? 0, world.waitingFor(modelKey)),
    ...standingOf(wantedBy),
    servingMs: world.servingMs(poolId, replica.replica_id),
    idleMs: world.idleMs(replica.replica_id),
    drainEstimateMs: leases > 0 ? ASSUMED_ANSWER_MS : 0,
  };
}

function stateOf({ wasResident }: ResidencyWorld, state: Exclude<ReplicaStatus['state'], 'parked'>, wantedBy: readonly AssignmentView[]): ResidencyReplica['state'] {
  if (wantedBy.length === 0) return state === 'failed' ? 'failed' : 'draining';
  // It was told to leave and is wanted again: the node takes it back.
  if (state === 'draining') return 'waiting';
  // Its node starts it again by itself, or has not yet heard that it is wanted.
  return state === 'failed' && wantedBy.some((view) => view.status?.residency !== 'failed' || wasResident(view)) ? 'waiting' : state;
}

function orderedReplica(world: ResidencyWorld, pool: PoolView, modelKey: string, views: readonly AssignmentView[]): ResidencyReplica {
  const model = views[0]?.assignment.model;
  const bytes = model === undefined ? 0 : (needBytesIn(world, pool, model) ?? 0);
  return { replicaId: `${pool.poolId}:${modelKey}`, modelKey, bytes, state: 'waiting', leases: 0, queued: 1, ...standingOf(views), servingMs: 0, idleMs: 0, drainEstimateMs: 0 };
}

function standingOf(views: readonly AssignmentView[]): Pick<ResidencyReplica, 'tier' | 'pinned'> {
  return { tier: strongestTier(views.map(({ assignment }) => assignment.tier)), pinned: views.some(({ assignment }) => assignment.model.pinned) };
}
