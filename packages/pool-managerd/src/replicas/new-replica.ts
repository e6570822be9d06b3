import type { WantedReplica } from './plan-replicas.js';
import type { Replica, ReplicaPhase } from './replica.js';
import { isHeldOpen } from './restart-record.js';
import type { RestartRecord } from './restart-record.js';

/** A replica whose turn has not come; one whose breaker is still open begins where its predecessor failed. */
export function newReplica(wanted: WantedReplica, birth: { readonly replicaId: string; readonly threads: number; readonly nowMs: number; readonly restart: RestartRecord }): Replica {
  const { key, poolId, device, digest, engineId, contextTokens, slots, modelId, modelPath, memoryBytes, latestGeneration } = wanted;
  return {
    replicaId: birth.replicaId,
    key,
    poolId,
    device,
    digest,
    engineId,
    contextTokens,
    slots,
    modelId,
    modelPath,
    memoryBytes,
    parkBytes: null,
    threads: birth.threads,
    phase: firstPhase(birth.restart, birth.nowMs),
    restart: birth.restart,
    lastError: birth.restart.last?.message ?? null,
    generation: latestGeneration,
  };
}

function firstPhase(restart: RestartRecord, nowMs: number): ReplicaPhase {
  const { breaker, last } = restart;
  if (last === null || breaker.state !== 'open' || !isHeldOpen(restart, nowMs)) return { state: 'waiting', sinceMs: nowMs };
  return { state: 'failed', sinceMs: nowMs, failure: last, retryAtMs: breaker.untilMs };
}
