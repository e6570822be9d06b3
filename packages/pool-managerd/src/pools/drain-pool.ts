import { ApiError } from '@corral/contracts';
import { takenBack, until } from './pool-operation-parts.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';

export interface DrainResult {
  readonly pool_id: string;
  /** Requests that had not ended at the deadline and were cut. */
  readonly cut: number;
  readonly duration_ms: number;
}

/** A process that does not end after SIGKILL is the kernel's. */
const GRACE_MS = 10_000;

/**
 * Takes the pool out of service: no new request from now on, what runs may end until the deadline, then its engine workers
 * end. Rejects with CONFLICT when the drain is undone meanwhile. [C-44]
 */
export async function drainPool(parts: PoolOperationParts, { poolId, step, signal }: PoolJob, graceMs: number): Promise<DrainResult> {
  const { pools, replicas, clock, stopMs } = parts;
  const begunMs = clock.monotonicMs();
  const deadlineMs = pools.drain(poolId, graceMs) ?? begunMs;
  const cutBefore = replicas.cutIn(poolId);
  return until({ clock, signal }, () => {
    const pool = pools.get(poolId);
    if (pool !== undefined && pool.drainDeadlineMs === null) throw takenBack(`the drain of pool ${poolId} was undone before it was over`, poolId);
    const left = replicas.inPool(poolId);
    const nowMs = clock.monotonicMs();
    if (left.length === 0) return { pool_id: poolId, cut: replicas.cutIn(poolId) - cutBefore, duration_ms: Math.round(nowMs - begunMs) };
    const leases = left.reduce((sum, { replicaId }) => sum + replicas.leases(replicaId), 0);
    const isStopping = left.every(({ phase }) => phase.state === 'stopping');
    step({ phase: isStopping ? 'stopping' : 'draining', fraction: null, detail: `${leases} requests run on ${left.length} replicas` });
    if (nowMs > deadlineMs + stopMs + GRACE_MS) throw new ApiError('POOL_UNREADY', `an engine worker of pool ${poolId} does not end; look at its process, and at node/workers.jsonl in the state directory`, { pool_id: poolId });
    return null;
  });
}
