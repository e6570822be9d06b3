import type { EngineEntry } from '@corral/catalog-core';
import { holdsMemory } from '../replicas/replica.js';
import type { Replica } from '../replicas/replica.js';
import type { Trial } from './engine-choices.js';

export interface EngineUseSources {
  replicas(): readonly Replica[];
  /** The bundle that each pool's idle workers run, with how many there are. */
  idle(): readonly { readonly poolId: string; readonly engineId: string | null; readonly workers: number }[];
  /** The one that serves each kind of device, chosen or not. */
  serving(): readonly { readonly kind: string; readonly engineId: string | null }[];
  trial(): Trial | null;
}

/** Who needs a bundle, in words; empty when nobody does. It is not removed while anybody does. [D-75] */
export function usesOfEngine({ id, chosenFor }: Pick<EngineEntry, 'id' | 'chosenFor'>, sources: EngineUseSources): readonly string[] {
  const trial = sources.trial();
  const kinds = new Set<string>([...chosenFor, ...sources.serving().filter(({ engineId }) => engineId === id).map(({ kind }) => kind)]);
  return [
    ...[...kinds].map((kind) => `chosen for ${kind}`),
    ...(trial?.id === id ? [`being taken up for ${trial.kind}`] : []),
    ...sources.replicas().filter((replica) => replica.engineId === id && holdsMemory(replica)).map(({ replicaId }) => `replica ${replicaId}`),
    ...sources.idle().filter(({ engineId, workers }) => engineId === id && workers > 0).map(({ poolId, workers }) => `${workers} idle ${workers === 1 ? 'worker' : 'workers'} of pool ${poolId}`),
  ];
}
