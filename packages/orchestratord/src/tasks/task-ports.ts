import type { ModelSpec } from '@corral/contracts';
import type { NodeChange, PoolView } from '../nodes/node-view.js';

/** What the task loop reads of the owner of node and pool snapshots. */
export interface PoolsPort {
  pools(): readonly PoolView[];
  onChange(listener: (change: NodeChange) => void): () => void;
}

/** Device memory of one replica of a model, bytes. */
export interface MemoryNeed {
  readonly weightsBytes: number;
  readonly contextBytes: number;
}

export interface ModelsPort {
  /** null where the model was never fetched. */
  memoryNeed(model: ModelSpec): MemoryNeed | null;
}
