import type { Replica } from '../replicas/replica.js';
import { isHeldOpen } from '../replicas/restart-record.js';
import { replicaIn, takenBack } from './pool-operation-parts.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';
import { holderOf } from './pool-changes.js';
import type { PoolWish } from './pool-changes.js';

/**
 * How far the replica of a change is: the replica once it serves, `null` before that. Throws why it cannot be had; one that is
 * tried again by itself counts as that too, since an operator waits. [C-40]
 */
export function lookAtLoad(parts: PoolOperationParts, { poolId, step }: PoolJob, { operationId, model, generation }: Pick<PoolWish, 'operationId' | 'model' | 'generation'>): Replica | null {
  const { pools, clock } = parts;
  const pool = pools.get(poolId);
  if (pool === undefined || pool.planned.problem !== null) throw takenBack(`pool ${poolId} cannot be used any longer${pool?.planned.problem ? `: ${pool.planned.problem}` : ''}`, poolId);
  if (pool.drainDeadlineMs !== null) throw takenBack(`pool ${poolId} is drained; end the drain and ask again`, poolId);
  const failure = parts.swapFailure(holderOf(operationId));
  if (failure !== null) throw takenBack(`${model.model_id} cannot be loaded: ${failure}`, poolId);
  const presence = parts.presenceOf(model);
  if (presence?.phase.state === 'failed') throw takenBack(`${model.model_id} cannot be had: ${presence.phase.error}`, poolId);
  const replica = replicaIn(parts, poolId, parts.keyOf(model, poolId));
  if (replica === undefined) {
    const progress = presence?.phase.state === 'working' ? presence.phase.progress : null;
    const fraction = progress === null || progress.totalBytes === null || progress.totalBytes === 0 ? null : progress.bytes / progress.totalBytes;
    step({ phase: progress?.phase ?? 'locating', fraction, detail: `${model.model_id} is made ready on disk` });
    return null;
  }
  const { phase, restart } = replica;
  if (phase.state === 'resident') return replica;
  const isMine = replica.generation >= generation || isHeldOpen(restart, clock.monotonicMs());
  if (phase.state === 'failed' && isMine) throw takenBack(`${model.model_id} cannot be loaded: ${phase.failure.message}`, poolId);
  if (phase.state === 'loading') step({ phase: 'loading', fraction: phase.fraction });
  else if (phase.state === 'waiting') step({ phase: 'waiting_for_memory', fraction: null });
  return null;
}
