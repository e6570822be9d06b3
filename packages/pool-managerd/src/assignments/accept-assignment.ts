import type { Assignment } from '@corral/contracts';
import { ASSIGNMENTS_MAX, instanceKey } from './journal-state.js';
import type { JournalState } from './journal-state.js';

export type Acceptance =
  | { readonly kind: 'accepted'; readonly next: JournalState }
  | { readonly kind: 'stale'; readonly known: number }
  | { readonly kind: 'ignored'; readonly reason: string };

/**
 * What one assignment event changes. Delivery is at least once and in any order: only a generation above
 * the journal's counts, and only on the node that the event names. [E-10 G-20 C-82]
 */
export function acceptAssignment(journal: JournalState, assignment: Assignment, nodeId: string): Acceptance {
  if (assignment.target.node_id !== nodeId) return { kind: 'ignored', reason: `it is for node ${assignment.target.node_id}` };
  const key = instanceKey(assignment);
  const known = journal.entries.get(key)?.assignment.generation;
  if (known !== undefined && assignment.generation <= known) return { kind: 'stale', known };
  if (known === undefined && journal.entries.size >= ASSIGNMENTS_MAX) return { kind: 'ignored', reason: `the node keeps at most ${ASSIGNMENTS_MAX} assignments` };
  const seq = journal.seq + 1;
  const entries = new Map(journal.entries).set(key, { assignment, acceptedSeq: seq });
  return { kind: 'accepted', next: { ...journal, entries, seq } };
}
