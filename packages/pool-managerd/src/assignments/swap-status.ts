import type { AssignmentStatus } from '@corral/contracts';
import type { Replica } from '../replicas/replica.js';
import type { Swap } from './swap.js';

/** The status of an assignment whose replica is to take another one's place: what serves meanwhile, and why it could not. [C-261] */
export function withSwap(status: AssignmentStatus, swap: Swap | null, replicas: readonly Replica[]): AssignmentStatus {
  if (swap === null) return status;
  const { from, failure, noRoom } = swap;
  const old = replicas.find(({ key, phase }) => key === from.key && phase.state === 'resident');
  const previous = old === undefined ? {} : { previous_replica_id: old.replicaId };
  if (failure === null) return { ...status, ...previous };
  const rest = old === undefined ? `${from.modelId} is loaded again in its place` : `${from.modelId} serves on in its place`;
  return { ...status, ...previous, residency: 'failed', replica_id: null, progress: null, last_error: `${failure}; ${rest}`, ...(noRoom === true && { no_room: true }) };
}

/** How room was made for the replica of an assignment, for whoever reads why it is there; `null` where it took nobody's place. */
export function swapNote(swap: Pick<Swap, 'from' | 'mode'> | null): string | null {
  if (swap === null || swap.mode === null) return null;
  return swap.mode === 'beside' ? `loaded beside ${swap.from.modelId}, which served until it was ready` : `${swap.from.modelId} was drained first, since both do not fit`;
}
