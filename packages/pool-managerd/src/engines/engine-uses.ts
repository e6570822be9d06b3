import type { EngineEntry } from '@corral/catalog-core';
import { holdsMemory } from '../replicas/replica.js';
import type { Replica } from '../replicas/replica.js';
import type { Trial } from './engine-choices.js';

export interface EngineUseSources {
  replicas(): readonly Replica[];
  /** Requests that run on a replica. */
  leases(replicaId: string): number;
  /** The bundle that each pool's idle workers run, with how many there are. */
  idle(): readonly { readonly poolId: string; readonly engineId: string | null; readonly workers: number }[];
  /** The one that serves each kind of device, chosen or not. */
  serving(): readonly { readonly kind: string; readonly engineId: string | null }[];
  trial(): Trial | null;
}

/** Who needs a bundle, in words; empty when nobody does. It is not removed while anybody does. [D-75] */
export function usesOfEngine({ id, mode, chosenFor }: Pick<EngineEntry, 'id' | 'mode' | 'chosenFor'>, sources: EngineUseSources): readonly string[] {
  if (mode === 'external') return sources.replicas().filter(({ engineId }) => engineId === id).flatMap(({ replicaId, poolId }) => requestsIn(poolId, sources.leases(replicaId)));
  const trial = sources.trial();
  const kinds = new Set<string>([...chosenFor, ...sources.serving().filter(({ engineId }) => engineId === id).map(({ kind }) => kind)]);
  return [
    ...[...kinds].map((kind) => `chosen for ${kind}`),
    ...(trial?.id === id ? [`being taken up for ${trial.kind}`] : []),
    ...sources.replicas().filter((replica) => replica.engineId === id && holdsMemory(replica)).map(({ replicaId }) => `replica ${replicaId}`),
    ...sources.idle().filter(({ engineId, workers }) => engineId === id && workers > 0).map(({ poolId, workers }) => `${workers} idle ${workers === 1 ? 'worker' : 'workers'} of pool ${poolId}`),
  ];
}

/** A server is there whether anybody asks it or not: those who wait for an answer of it use it. [D-84] */
function requestsIn(poolId: string, count: number): readonly string[] {
  return count === 0 ? [] : [`${count} ${count === 1 ? 'request' : 'requests'} in pool ${poolId}`];
}
