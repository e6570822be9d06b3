import { ApiError, type ErrorCode, type PoolStatus } from '@corral/contracts';
import type { NoCapacityReason, PlacementDecision } from '@corral/orchestrator-core';

const CODE_OF: Record<NoCapacityReason, ErrorCode> = {
  NO_CAPACITY: 'POOL_UNAVAILABLE',
  INSUFFICIENT_CTX: 'POOL_UNAVAILABLE',
  INSUFFICIENT_VRAM: 'POOL_UNAVAILABLE',
  EXTENSIONS_UNSATISFIED: 'POOL_UNAVAILABLE',
  MODEL_NOT_AVAILABLE: 'MODEL_NOT_AVAILABLE',
  POOL_UNREADY: 'POOL_UNREADY',
  NODE_UNAVAILABLE: 'NODE_UNAVAILABLE',
  STALE_SNAPSHOTS: 'POOL_UNREADY',
  pinned_pool_infeasible: 'POOL_UNAVAILABLE',
  no_preferred_feasible: 'POOL_UNAVAILABLE',
};

/** Ready pools come and go within seconds; the rest needs an operator, so a client should not hurry. */
const RETRY_AFTER_MS = 5_000;

export interface RefusedTask {
  readonly modelId: string;
  readonly neededBytes: number | null;
  readonly pools: readonly PoolStatus[];
}

/** Turns "no pool" into the answer that a client sees: the code, the numbers, and the pools' own reasons. [B-55] */
export function refusalOf(decision: Exclude<PlacementDecision, { kind: 'assigned' }>, task: RefusedTask): ApiError {
  switch (decision.kind) {
    case 'invalid_params':
      return new ApiError('INVALID_PARAMS', decision.message, { field: `placement.${snake(decision.field)}` });
    case 'version_conflict':
      return new ApiError('POOL_UNAVAILABLE', decision.message, { retry_after_ms: RETRY_AFTER_MS });
    case 'no_capacity':
      return new ApiError(CODE_OF[decision.reason], decision.filter === 'engine' ? `no pool runs the engine that ${task.modelId} needs; look at corral pools` : messageOf(decision.reason, task), { retry_after_ms: RETRY_AFTER_MS, policy_label: decision.reason });
  }
}

function messageOf(reason: NoCapacityReason, { modelId, neededBytes, pools }: RefusedTask): string {
  switch (reason) {
    case 'INSUFFICIENT_VRAM': {
      const largest = Math.max(0, ...pools.map((p) => p.memory_total_bytes));
      return `${modelId} needs ${neededBytes ?? 'an unknown number of'} bytes of device memory (VRAM) and the largest pool has ${largest}; raise the memory of a pool, or lower context or slots of the model`;
    }
    case 'POOL_UNREADY':
    case 'STALE_SNAPSHOTS':
    case 'NODE_UNAVAILABLE':
      return pools.length === 0
        ? 'no node has registered; start pool-managerd, or look at corral nodes'
        : `no pool is ready: ${pools.map((p) => `${p.pool_id}: ${unreadyReason(p)}`).join('; ')}`;
    case 'INSUFFICIENT_CTX':
      return `no pool can serve ${modelId} with the context that the task needs; lower ctx, or raise the context of the model`;
    case 'pinned_pool_infeasible':
      return `the pinned pool cannot serve ${modelId}; leave placement out, or look at corral pools`;
    case 'no_preferred_feasible':
      return `no preferred pool can serve ${modelId} and allow_fallback is false; allow it, or look at corral pools`;
    case 'MODEL_NOT_AVAILABLE':
      return `no node has ${modelId}; look at corral models ls`;
    case 'EXTENSIONS_UNSATISFIED':
    case 'NO_CAPACITY':
      return `no pool can take ${modelId}; look at corral pools`;
  }
}

function unreadyReason(pool: PoolStatus): string {
  if (pool.draining) return 'draining';
  return pool.last_error ?? (pool.ready ? 'its node does not report' : 'starting');
}

function snake(camel: string): string {
  return camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
