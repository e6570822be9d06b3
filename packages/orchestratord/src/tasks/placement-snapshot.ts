import { takesWork, type ReplicaStatus } from '@corral/contracts';
import type { JobSpec, PoolSnapshot, ReplicaSnapshot } from '@corral/orchestrator-core';
import type { Task } from './task.js';
import type { PoolView } from '../nodes/node-view.js';
import type { MemoryNeed } from '../manifest/model-directory.js';

const COMPLETION: ReadonlySet<string> = new Set(['completion']);

export interface SnapshotContext {
  /** Tasks that this control plane has on a replica. */
  leasesOf(replicaId: string): number;
  /** False for a replica that was told to yield, or that has just refused for want of a slot. */
  accepts(replicaId: string): boolean;
  keyOf(replica: ReplicaStatus): string;
}

/** A pool as `decide` reads it. Free slots follow our own leases, which are never late; what is parked leaves when its memory is wanted. [C-251] */
export function snapshotOf({ status, online, snapshotAgeMs }: PoolView, context: SnapshotContext): PoolSnapshot {
  const parkedBytes = status.replicas.filter(({ state }) => state === 'parked').reduce((sum, replica) => sum + replica.memory_bytes, 0);
  return {
    poolId: status.pool_id,
    nodeId: status.node_id,
    nodeOnline: online,
    live: status.live,
    ready: takesWork(status),
    draining: status.draining,
    engine: status.engine,
    engineVersion: status.engine_version,
    deviceMask: status.device,
    deviceKind: status.device_kind ?? 'none',
    memoryTotalBytes: status.memory_total_bytes,
    memoryFreeBytes: Math.max(0, status.memory_total_bytes - status.memory_used_bytes + parkedBytes),
    ctxMax: Number.MAX_SAFE_INTEGER,
    features: COMPLETION,
    modelsAvailable: null,
    snapshotAgeMs,
    replicas: status.replicas.flatMap((replica) => replicaSnapshotOf(replica, context) ?? []),
  };
}

function replicaSnapshotOf(replica: ReplicaStatus, context: SnapshotContext): ReplicaSnapshot | null {
  if (replica.state === 'parked') return null;
  const activeSlots = context.leasesOf(replica.replica_id);
  const accepts = context.accepts(replica.replica_id);
  return {
    replicaId: replica.replica_id,
    modelKey: context.keyOf(replica),
    state: replica.state === 'resident' && !accepts ? 'draining' : replica.state,
    slotsTotal: replica.slots_total,
    slotsFree: Math.max(0, replica.slots_total - activeSlots),
    activeSlots,
    ctxMax: replica.context,
  };
}

/** A task as `decide` reads it. */
export function jobOf(task: Pick<Task, 'priority' | 'spec' | 'target' | 'placement'>, need: MemoryNeed | null): JobSpec {
  const { spec, target } = task;
  return {
    priority: task.priority,
    engine: 'llamacpp',
    modelKey: target.modelKey,
    requiredCtx: spec.requiredCtx ?? 0,
    weightsBytes: need?.weightsBytes ?? null,
    kvBytes: need?.contextBytes ?? null,
    extensions: [],
    ...(task.placement === null ? {} : { placement: task.placement }),
    ...(spec.expectedTokens === null ? {} : { expectedTokens: spec.expectedTokens }),
  };
}
