import type { JobSpec, PlacementInput, PoolSnapshot, ReplicaSnapshot } from '../src/placement/placement-input.js';

export const GIB = 1024 ** 3;

/** A ready pool of 24 GiB, all free, without replicas. */
export function aPool(poolId: string, with_: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return {
    poolId,
    nodeId: 'node-1',
    nodeOnline: true,
    live: true,
    ready: true,
    draining: false,
    engine: 'llamacpp',
    engineVersion: '1.0.0',
    deviceMask: 'cuda:0',
    deviceKind: 'cuda',
    memoryTotalBytes: 24 * GIB,
    memoryFreeBytes: 24 * GIB,
    ctxMax: 8192,
    features: new Set(),
    modelsAvailable: null,
    snapshotAgeMs: 0,
    replicas: [],
    ...with_,
  };
}

/** A resident replica of model `m` with four free slots. */
export function aReplica(replicaId: string, with_: Partial<ReplicaSnapshot> = {}): ReplicaSnapshot {
  return { replicaId, modelKey: 'm', state: 'resident', slotsTotal: 4, slotsFree: 4, activeSlots: 0, ctxMax: 4096, ...with_ };
}

/** A pool that holds one resident replica, named after it: `p1` holds `p1-r`. */
export function aServingPool(poolId: string, pool: Partial<PoolSnapshot> = {}, replica: Partial<ReplicaSnapshot> = {}): PoolSnapshot {
  return aPool(poolId, { replicas: [aReplica(`${poolId}-r`, replica)], ...pool });
}

/** An interactive task for model `m`: 4 GiB of weights, 1 GiB of context. */
function aJob(with_: Partial<JobSpec> = {}): JobSpec {
  return {
    priority: 'interactive',
    engine: 'llamacpp',
    modelKey: 'm',
    requiredCtx: 2048,
    weightsBytes: 4 * GIB,
    kvBytes: GIB,
    extensions: [],
    ...with_,
  };
}

export function anInput(pools: readonly PoolSnapshot[], job: Partial<JobSpec> = {}, with_: Partial<PlacementInput> = {}): PlacementInput {
  return { phase: 'admission', job: aJob(job), pools, maxSnapshotAgeMs: 30_000, pinningAllowed: true, ...with_ };
}
