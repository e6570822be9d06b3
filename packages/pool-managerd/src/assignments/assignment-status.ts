import type { Assignment, AssignmentStatus, LoadProgress } from '@corral/contracts';
import type { PlannedPool } from '../devices/planned-pool.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence } from '../models/present-model.js';
import type { StagingArea } from '../staging/staging-area.js';
import { replicaKey } from '../replicas/replica.js';
import type { Replica } from '../replicas/replica.js';
import { isRestarting, restartStory } from '../replicas/restart-story.js';
import { wantedModelOf } from './wanted-model.js';
import { shapeOf } from './wanted-replicas.js';

export interface StatusSources {
  readonly pools: ReadonlyMap<string, PlannedPool>;
  readonly replicas: readonly Replica[];
  presence(key: string): Presence | undefined;
  /** Digest of the model in the node's catalog; `null` when that does not hold it. */
  digestOnDisk(modelId: string): string | null;
  /** `null` where nothing can be staged. */
  readonly staging: Pick<StagingArea, 'has' | 'running' | 'problemOf'> | null;
  /** Whether the node knows its pools; until then a missing one means nothing. */
  readonly isSettled: boolean;
  /** The pool takes no work; loads for it wait. */
  isDraining(poolId: string): boolean;
  /** Unix milliseconds of a monotonic time. */
  unixMs(monotonicMs: number): number;
}

type Outcome = Pick<AssignmentStatus, 'residency' | 'replica_id' | 'last_error' | 'progress' | 'retry_at_ms' | 'released' | 'no_room'>;

/** Where an assignment really is. `residency` is a fact: what is still coming shows in `progress`. [C-144] */
export function assignmentStatus(assignment: Assignment, sources: StatusSources): AssignmentStatus {
  const { instance_id, org_id, generation, target } = assignment;
  return { instance_id, org_id, generation, pool_id: target.pool_id, ...outcomeOf(assignment, sources) };
}

function outcomeOf(assignment: Assignment, sources: StatusSources): Outcome {
  const replica = replicaOf(assignment, sources);
  const presence = sources.presence(wantedModelKey(wantedModelOf(assignment)));
  const digest = presence?.model?.digest ?? sources.digestOnDisk(assignment.model.model_id);
  const rest = { residency: restingPlace(assignment, digest, sources), replica_id: null, last_error: null, progress: null } as const;
  if (assignment.wanted !== 'resident') {
    if (replica?.phase.state === 'draining' || replica?.phase.state === 'parking' || replica?.phase.state === 'stopping') return { ...rest, residency: 'draining', replica_id: replica.replicaId };
    if (assignment.wanted === 'absent') return rest;
    const outcome = presenceOutcome(presence, rest);
    return assignment.wanted === 'staged' && digest !== null && outcome === rest ? stagingOutcome(digest, rest, sources) : outcome;
  }
  if (replica !== undefined && isMoreThanFile(replica, presence)) return replicaOutcome(replica, rest, sources);
  const pool = sources.pools.get(assignment.target.pool_id);
  const obstacle = poolObstacle(assignment, pool, sources);
  return obstacle === null ? presenceOutcome(presence, rest) : { ...rest, ...(pool?.problem === null ? {} : { residency: 'failed' as const }), last_error: obstacle };
}

/** Where the weights are while no replica has them. A staged copy that is merely left over is nobody's: it may go at any moment. [C-225] */
function restingPlace({ wanted }: Assignment, digest: string | null, { staging }: StatusSources): AssignmentStatus['residency'] {
  if (digest === null) return 'absent';
  return (wanted === 'staged' || wanted === 'resident') && staging?.has(digest) === true ? 'staged' : 'on_disk';
}

/** How far a copy to the staging area is, or why there is none. */
function stagingOutcome(digest: string, rest: Outcome, { staging }: StatusSources): Outcome {
  if (rest.residency === 'staged') return rest;
  if (staging === null) return { ...rest, last_error: 'this node stages nothing, so the model stays on disk; its log says why' };
  const problem = staging.problemOf(digest);
  if (problem !== null) return { ...rest, last_error: problem.message };
  return { ...rest, progress: copyProgress(digest, staging) ?? { phase: 'staging', bytes_done: null, bytes_total: null, fraction: null } };
}

function copyProgress(digest: string, staging: StatusSources['staging']): LoadProgress | null {
  const running = staging?.running() ?? null;
  if (running === null || running.model.digest !== digest) return null;
  const { sizeBytes } = running.model;
  return { phase: 'staging', bytes_done: running.copiedBytes, bytes_total: sizeBytes, fraction: sizeBytes === 0 ? 1 : Math.min(1, running.copiedBytes / sizeBytes) };
}

/** The newest replica of the assignment's shape; for one that is no longer wanted, the model that its id names. */
function replicaOf(assignment: Assignment, sources: StatusSources): Replica | undefined {
  const { pool_id } = assignment.target;
  const shape = shapeOf(assignment, sources);
  // While its file is still looked for, a replica of an earlier definition is none of it.
  if (shape === null && assignment.wanted === 'resident') return undefined;
  const fits = (replica: Replica) =>
    shape !== null
      ? replica.key === replicaKey(shape)
      : replica.poolId === pool_id && replica.modelId === assignment.model.model_id && replica.contextTokens === assignment.model.context && replica.slots === assignment.model.slots;
  const all = sources.replicas.filter(fits);
  return all.find((replica) => replica.phase.state !== 'stopping') ?? all[0];
}

/** While a file is looked at again after a failure, its progress says more than the replica that waits for it. */
function isMoreThanFile(replica: Replica, presence: Presence | undefined): boolean {
  if (replica.phase.state !== 'waiting' || presence?.phase.state === 'present') return true;
  return isRestarting(replica) && presence?.phase.state !== 'failed';
}

function replicaOutcome(replica: Replica, rest: Outcome, { unixMs, staging }: StatusSources): Outcome {
  const { phase, replicaId, lastError, restart } = replica;
  const step = (phaseName: LoadProgress['phase'], fraction: number | null): LoadProgress => ({ phase: phaseName, bytes_done: null, bytes_total: null, fraction });
  const isBack = isRestarting(replica);
  switch (phase.state) {
    case 'waiting':
      if (isBack) return { residency: 'loading', replica_id: replicaId, last_error: lastError, progress: step('restarting', null) };
      return { ...rest, replica_id: replicaId, last_error: lastError, progress: copyProgress(replica.digest, staging) ?? step('waiting_for_memory', null) };
    case 'parking':
    case 'parked':
      return { ...rest, replica_id: replicaId, last_error: lastError, progress: step('waiting_for_memory', null) };
    case 'resuming':
      return { residency: 'loading', replica_id: replicaId, last_error: lastError, progress: step('loading', null) };
    case 'loading':
      return { residency: 'loading', replica_id: replicaId, last_error: lastError, progress: step('loading', phase.fraction) };
    case 'resident':
      return { residency: 'resident', replica_id: replicaId, last_error: null, progress: null };
    case 'draining':
    case 'stopping':
      return { residency: 'draining', replica_id: replicaId, last_error: lastError, progress: null };
    case 'failed': {
      const isTold = phase.retryAtMs !== null && (isBack || restart.breaker.state === 'open');
      const retry = isTold && phase.retryAtMs !== null ? { retry_at_ms: unixMs(phase.retryAtMs) } : {};
      if (isBack) return { residency: 'loading', replica_id: replicaId, last_error: lastError, progress: step('restarting', null), ...retry };
      return { residency: 'failed', replica_id: replicaId, last_error: restartStory(replica), progress: null, ...retry, ...(phase.failure.kind === 'room' && { no_room: true }) };
    }
  }
}

function presenceOutcome(presence: Presence | undefined, rest: Outcome): Outcome {
  if (presence === undefined || presence.phase.state === 'present') return rest;
  if (presence.phase.state === 'released') return { ...rest, released: true };
  if (presence.phase.state === 'failed') return { ...rest, residency: 'failed', last_error: presence.phase.error };
  const { progress } = presence.phase;
  if (progress === null) return { ...rest, progress: { phase: 'locating', bytes_done: null, bytes_total: null, fraction: null } };
  const { phase, bytes, totalBytes } = progress;
  const fraction = totalBytes === null || totalBytes === 0 ? null : Math.min(1, bytes / totalBytes);
  return { ...rest, progress: { phase, bytes_done: bytes, bytes_total: totalBytes, fraction } };
}

/** Why nothing can be loaded there at all, with the next step. */
function poolObstacle(assignment: Assignment, pool: PlannedPool | undefined, { pools, isSettled, isDraining }: StatusSources): string | null {
  if (!isSettled) return null;
  const { pool_id, node_id } = assignment.target;
  if (pool === undefined) return `node ${node_id} has no pool ${pool_id}, only ${[...pools.keys()].join(', ')}; load the model again to have it placed elsewhere`;
  if (pool.problem !== null) return pool.problem;
  return isDraining(pool_id) ? `pool ${pool_id} is drained; end the drain with DELETE /v2/pools/${pool_id}/drain, or load the model elsewhere` : null;
}
