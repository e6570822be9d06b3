import type { WantedReplica } from './plan-replicas.js';
import type { Replica } from './replica.js';

/** A replica whose turn has not come. */
export function newReplica(wanted: WantedReplica, birth: { readonly replicaId: string; readonly threads: number; readonly nowMs: number }): Replica {
  const { key, poolId, device, digest, contextTokens, slots, modelId, modelPath, memoryBytes, latestGeneration } = wanted;
  return {
    replicaId: birth.replicaId,
    key,
    poolId,
    device,
    digest,
    contextTokens,
    slots,
    modelId,
    modelPath,
    memoryBytes,
    threads: birth.threads,
    phase: { state: 'waiting', sinceMs: birth.nowMs },
    failures: 0,
    lastError: null,
    generation: latestGeneration,
  };
}
