import type { AssignmentStatus, PoolChange, PoolStatus, ReplicaStatus } from '@corral/contracts';
import type { AttachedModel } from '../devices/planned-pool.js';
import type { Replica } from '../replicas/replica.js';
import { heldBytes, holdsMemory } from '../replicas/replica.js';
import { restartStory } from '../replicas/restart-story.js';
import type { Pool } from './pool-table.js';
import type { PreloadState } from './preloads.js';
import { idleProblem } from './readiness.js';
import type { Readiness, ReadinessInput } from './readiness.js';

export interface PoolStatusInput {
  readonly nodeId: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly pool: Pool;
  readonly readiness: Readiness;
  readonly idle: ReadinessInput['idle'];
  readonly replicas: readonly Replica[];
  readonly assignments: readonly AssignmentStatus[];
  readonly preloads: readonly PreloadState[];
  /** What is done to the pool at this moment. */
  readonly operation: PoolStatus['operation'];
  /** What the control plane is to take over. */
  readonly changes: readonly PoolChange[];
  leases(replicaId: string): number;
  /** Unix milliseconds of a monotonic time. */
  unixMs(monotonicMs: number): number;
}

/** A pool as the wire shows it. Without replicas it has no slots. [C-04 C-20] */
export function poolStatus({ nodeId, engine, pool, readiness, idle, replicas, assignments, preloads, operation, changes, leases, unixMs }: PoolStatusInput): PoolStatus {
  const { planned, drainDeadlineMs, lastFailure } = pool;
  const statuses = replicas.map((replica) => replicaStatus(replica, leases(replica.replicaId), { unixMs, engineVersion: planned.attached?.version ?? engine.version, isAttached: planned.attached !== undefined }));
  const resident = statuses.filter((status) => status.state === 'resident');
  const failed = assignments.find((status) => status.pool_id === planned.poolId && (status.residency === 'failed' || status.progress?.phase === 'restarting'));
  const held = replicas.find(({ restart, phase }) => phase.state === 'failed' && restart.breaker.state === 'open');
  const broken = preloads.find(({ state }) => state === 'failed');
  const isDrained = drainDeadlineMs !== null && replicas.length === 0;
  return {
    pool_id: planned.poolId,
    node_id: nodeId,
    device: planned.device,
    device_kind: planned.deviceKind,
    device_name: planned.deviceName,
    engine: planned.attached === undefined ? engine.name : 'llama-server',
    engine_version: planned.attached?.version ?? engine.version,
    live: planned.problem === null && !isDrained,
    ready: readiness.ready,
    takes_work: readiness.takesWork,
    draining: drainDeadlineMs !== null,
    last_error: planned.problem ?? (readiness.ready ? null : idleProblem(idle)) ?? failed?.last_error ?? (held === undefined ? null : restartStory(held)) ?? broken?.reason ?? lastFailure,
    memory_total_bytes: planned.memoryTotalBytes,
    memory_used_bytes: replicas.reduce((sum, replica) => sum + heldBytes(replica), 0),
    replicas_max: planned.replicasMax,
    slots_total: resident.reduce((sum, status) => sum + status.slots_total, 0),
    slots_free: resident.reduce((sum, status) => sum + status.slots_free, 0),
    active_leases: replicas.reduce((sum, replica) => sum + leases(replica.replicaId), 0),
    replicas: statuses,
    model_id: resident[0]?.model_id ?? null,
    device_mask: planned.deviceMask,
    ...(operation === undefined || operation === null ? {} : { operation }),
    ...(changes.length === 0 ? {} : { changes: [...changes] }),
    ...(planned.attached === undefined ? {} : { attached: attachedModel(planned.attached) }),
  };
}

function attachedModel({ modelId, digest, contextTokens, slots }: AttachedModel): PoolStatus['attached'] {
  return { model_id: modelId, digest, context: contextTokens, slots };
}

function replicaStatus(replica: Replica, leases: number, { unixMs, engineVersion, isAttached }: { readonly unixMs: PoolStatusInput['unixMs']; readonly engineVersion: string; readonly isAttached: boolean }): ReplicaStatus {
  const { phase, restart } = replica;
  const isResident = phase.state === 'resident';
  return {
    replica_id: replica.replicaId,
    pid: 'pid' in phase ? phase.pid : null,
    ...(replica.engineId !== null && { engine_id: replica.engineId, engine_version: engineVersion }),
    model_id: replica.modelId,
    digest: replica.digest,
    state: stateOf(phase),
    context: replica.contextTokens,
    slots_total: replica.slots,
    slots_free: isResident ? Math.max(0, replica.slots - leases) : 0,
    memory_bytes: holdsMemory(replica) ? heldBytes(replica) : replica.memoryBytes,
    threads: replica.threads,
    load_progress: phase.state === 'loading' ? phase.fraction : null,
    ready_since_ms: isResident ? Math.round(phase.readyAtMs) : null,
    last_error: restartStory(replica),
    restarts: restart.restarts,
    failures: restart.failures,
    ...(isAttached && { attached: true }),
    breaker: { state: restart.breaker.state, retry_at_ms: phase.state === 'failed' && phase.retryAtMs !== null ? unixMs(phase.retryAtMs) : null },
  };
}

/** What is on its way to being parked serves nobody any longer, what is on its way back does not yet. [C-250] */
function stateOf({ state }: Replica['phase']): ReplicaStatus['state'] {
  if (state === 'stopping' || state === 'parking') return 'draining';
  return state === 'resuming' ? 'loading' : state;
}
