import type { PoolStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import { replicaState } from './replica-state.js';

/** Why tasks of a pool wait and what ends it; null where none does, or nobody knows yet. [U-34] */
export function waitingReason(pool: PoolStatus, waiting: number | null): string | null {
  if (waiting === null || waiting === 0) return null;
  const who = counted(waiting, 'task waits', 'tasks wait');
  if (pool.draining) return `${who} because the pool drains: until Undrain puts it back, or another pool can serve them.`;
  if (!pool.live) return `${who} because the node does not report: until it does, or another pool can serve them.`;
  if (!pool.ready) return `${who} because the pool is not ready: until its engine is prepared.`;
  const coming = pool.replicas.filter(({ state }) => state === 'loading' || state === 'waiting');
  if (coming.length > 0) return `${who} for ${coming.map((replica) => `${replica.model_id} (${replicaState(replica).label})`).join(', ')}.`;
  const failed = pool.replicas.filter(({ state }) => state === 'failed');
  if (failed.length > 0) return `${who}, and ${failed.map(({ model_id: id }) => id).join(', ')} could not be loaded: what is wrong stands below.`;
  if (pool.slots_total > 0 && pool.slots_free === 0) return `${who} because every slot is taken: each goes on when an answer ends.`;
  return `${who} for a model that is not loaded here yet: it comes in as soon as there is room for it, or one that is loaded has had its turn.`;
}
