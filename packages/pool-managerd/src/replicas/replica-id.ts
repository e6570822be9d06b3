import { createHash } from 'node:crypto';
import { replicaKey } from './replica.js';
import type { ReplicaShape } from './replica.js';

const POOL_CHARS = 100;

/**
 * The id of a replica: the same id always means the same model in the same shape, so that a request sent to
 * it can never meet another model, and the ids of a node that swaps all day stay few. [C-145]
 *
 * A number follows while an earlier process of that shape is not yet gone.
 */
export function nextReplicaId(shape: ReplicaShape, taken: ReadonlySet<string>): string {
  const hash = createHash('sha256').update(replicaKey(shape)).digest('hex').slice(0, 10);
  const stem = `${shape.poolId.slice(0, POOL_CHARS)}-${hash}`;
  for (let n = 0; ; n += 1) {
    const id = n === 0 ? stem : `${stem}-${n}`;
    if (!taken.has(id)) return id;
  }
}
