import type { ModelSpec } from '@corral/contracts';
import type { MemoryNeed } from '../manifest/model-directory.js';
import type { NodeChange, PoolView } from '../nodes/node-view.js';

/** What the task loop reads of the owner of node and pool snapshots. */
export interface PoolsPort {
  pools(): readonly PoolView[];
  onChange(listener: (change: NodeChange) => void): () => void;
}

export interface ModelsPort {
  /** null where the model was never fetched. */
  memoryNeed(model: ModelSpec): MemoryNeed | null;
}
