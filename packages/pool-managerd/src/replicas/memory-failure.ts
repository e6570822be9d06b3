import { formatBytes } from '@corral/service-kit';
import { heldBytes as heldBy, holdsMemory } from './replica.js';
import type { Failure } from './failure.js';
import type { Replica } from './replica.js';

interface Room {
  readonly poolId: string;
  readonly memoryTotalBytes: number;
  readonly replicasMax: number | null;
}

/** Says with the numbers why a replica does not fit, and what would help. [C-14] */
export function memoryFailure(replica: Replica, pool: Room, replicas: readonly Replica[]): Failure {
  const others = replicas.filter((other) => other.replicaId !== replica.replicaId && holdsMemory(other));
  const needs = `${replica.modelId} needs ${formatBytes(replica.memoryBytes)} (${replica.contextTokens} tokens × ${replica.slots} slots)`;
  const has = `pool ${pool.poolId} has ${formatBytes(pool.memoryTotalBytes)}`;
  if (replica.memoryBytes > pool.memoryTotalBytes) return { kind: 'memory', reason: 'memory', message: `${needs}, ${has}; use a smaller context, fewer slots or a larger pool` };
  if (pool.replicasMax !== null && others.filter(({ phase }) => phase.state !== 'parked').length >= pool.replicasMax) {
    return { kind: 'room', reason: 'memory', message: `pool ${pool.poolId} holds at most ${pool.replicasMax} replicas and ${namesOf(others)} stay; unload one` };
  }
  const heldBytes = others.reduce((sum, other) => sum + heldBy(other), 0);
  return { kind: 'room', reason: 'memory', message: `${needs}, ${has} and ${formatBytes(heldBytes)} of it stay with ${namesOf(others)}; unload one` };
}

function namesOf(replicas: readonly Replica[]): string {
  return replicas.map((replica) => replica.modelId).sort().join(', ') || 'nothing';
}
