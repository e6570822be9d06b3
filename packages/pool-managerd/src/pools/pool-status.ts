import type { AssignmentStatus, PoolStatus, ReplicaStatus } from '@corral/contracts';
import type { Replica } from '../replicas/replica.js';
import { holdsMemory } from '../replicas/replica.js';
import type { Pool } from './pool-table.js';
import type { Readiness } from './readiness.js';

export interface PoolStatusInput {
  readonly nodeId: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly pool: Pool;
  readonly readiness: Readiness;
  readonly replicas: readonly Replica[];
  readonly assignments: readonly AssignmentStatus[];
  leases(replicaId: string): number;
}

/** A pool as the wire shows it. Without replicas it has no slots. [C-04 C-20] */
export function poolStatus({ nodeId, engine, pool, readiness, replicas, assignments, leases }: PoolStatusInput): PoolStatus {
  const { planned, drainDeadlineMs } = pool;
  const statuses = replicas.map((replica) => replicaStatus(replica, leases(replica.replicaId)));
  const resident = statuses.filter((status) => status.state === 'resident');
  const failed = assignments.find((status) => status.pool_id === planned.poolId && status.residency === 'failed');
  const isDrained = drainDeadlineMs !== null && replicas.length === 0;
  return {
    pool_id: planned.poolId,
    node_id: nodeId,
    device: planned.device,
    device_kind: planned.deviceKind,
    device_name: planned.deviceName,
    engine: engine.name,
    engine_version: engine.version,
    live: planned.problem === null && !isDrained,
    ready: readiness.ready,
    draining: drainDeadlineMs !== null,
    last_error: planned.problem ?? failed?.last_error ?? null,
    memory_total_bytes: planned.memoryTotalBytes,
    memory_used_bytes: replicas.filter(holdsMemory).reduce((sum, replica) => sum + replica.memoryBytes, 0),
    replicas_max: planned.replicasMax,
    slots_total: resident.reduce((sum, status) => sum + status.slots_total, 0),
    slots_free: resident.reduce((sum, status) => sum + status.slots_free, 0),
    active_leases: replicas.reduce((sum, replica) => sum + leases(replica.replicaId), 0),
    replicas: statuses,
  };
}

function replicaStatus(replica: Replica, leases: number): ReplicaStatus {
  const { phase } = replica;
  const isResident = phase.state === 'resident';
  return {
    replica_id: replica.replicaId,
    pid: 'pid' in phase ? phase.pid : null,
    model_id: replica.modelId,
    digest: replica.digest,
    state: phase.state === 'stopping' ? 'draining' : phase.state,
    context: replica.contextTokens,
    slots_total: replica.slots,
    slots_free: isResident ? Math.max(0, replica.slots - leases) : 0,
    memory_bytes: replica.memoryBytes,
    threads: replica.threads,
    load_progress: phase.state === 'loading' ? phase.fraction : null,
    ready_since_ms: isResident ? Math.round(phase.readyAtMs) : null,
    last_error: replica.lastError,
  };
}
