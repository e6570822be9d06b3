import type { Assignment } from '@corral/contracts';
import { replicaKey } from '../replicas/replica.js';
import { instanceKey } from './journal-state.js';
import type { JournalEntry } from './journal-state.js';
import type { Holder } from './swaps.js';
import { shapeOf } from './wanted-replicas.js';
import type { ReplicaSources } from './wanted-replicas.js';

/** The key of the replica that an assignment wants; `null` while its model or its pool is not there. */
export function keyOfAssignment(assignment: Assignment, sources: Pick<ReplicaSources, 'pools' | 'presence'>): string | null {
  const shape = shapeOf(assignment, sources);
  return shape === null ? null : replicaKey(shape);
}

/** Everybody who wants a replica. */
export function holdersOf(entries: readonly JournalEntry[], sources: Pick<ReplicaSources, 'pools' | 'presence'>, replacedBy: (assignment: Assignment) => string | undefined): readonly Holder[] {
  return entries.flatMap(({ assignment }): Holder[] => {
    if (assignment.wanted !== 'resident') return [];
    const from = replacedBy(assignment);
    return [{ holder: instanceKey(assignment), poolId: assignment.target.pool_id, key: keyOfAssignment(assignment, sources), generation: assignment.generation, ...(from === undefined ? {} : { from }) }];
  });
}
