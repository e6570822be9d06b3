import { heldBytes } from './replica.js';
import type { Replica } from './replica.js';

/** What a plan for replicas needs to know of their pool. */
export interface PoolRoom {
  readonly poolId: string;
  /** Usable and not draining. */
  readonly isOpen: boolean;
  readonly memoryTotalBytes: number;
  readonly replicasMax: number | null;
}

/** Whether a replica fits beside these. Pure. */
export function memoryFits(replica: Replica, pool: PoolRoom, beside: readonly Replica[]): boolean {
  const others = beside.filter((other) => other.replicaId !== replica.replicaId);
  const takenBytes = others.reduce((sum, other) => sum + heldBytes(other), 0);
  // What is parked uses no threads.
  const serving = others.filter(({ phase }) => phase.state !== 'parked').length;
  return takenBytes + replica.memoryBytes <= pool.memoryTotalBytes && (pool.replicasMax === null || serving < pool.replicasMax);
}

/** Whether it fits once everything has left that is on its way out. Pure. */
export function fitsOnceOthersLeft(replica: Replica, pool: PoolRoom, replicas: readonly Replica[]): boolean {
  return memoryFits(replica, pool, replicas.filter((other) => other.phase.state === 'loading' || other.phase.state === 'resident' || other.phase.state === 'resuming'));
}
