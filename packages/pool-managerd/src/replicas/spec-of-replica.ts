import type { ReplicaSpec } from '@corral/engine';
import type { ReplicaPlace, ReplicaSetOptions } from './replica-set-options.js';
import type { Replica } from './replica.js';

/** What an engine worker is started with for a replica. */
export function specOfReplica(replica: Replica, place: ReplicaPlace, { bundleOf, batchTokens, prefillChunkTokens, modelPath }: Pick<ReplicaSetOptions, 'bundleOf' | 'batchTokens' | 'prefillChunkTokens'> & { readonly modelPath: string }): ReplicaSpec {
  const bundle = bundleOf?.(replica.engineId);
  return {
    ...(bundle !== undefined && { bundle }),
    replicaId: replica.replicaId,
    modelPath,
    digest: replica.digest,
    deviceKind: place.deviceKind,
    deviceMask: place.deviceMask,
    contextTokens: replica.contextTokens,
    slots: replica.slots,
    threads: replica.threads,
    batchTokens,
    prefillChunkTokens,
    // The page cache makes the next load of the same model several times faster.
    weightsIo: 'mmap',
  };
}
