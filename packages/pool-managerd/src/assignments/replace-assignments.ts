import type { Assignment } from '@corral/contracts';
import { ASSIGNMENTS_MAX, instanceKey } from './journal-state.js';
import type { JournalEntry, JournalState } from './journal-state.js';

export interface Replacement {
  readonly next: JournalState;
  /** Keys whose entry came from the set. */
  readonly taken: readonly string[];
  /** Keys that the set does not hold and that are gone. */
  readonly dropped: readonly string[];
}

/**
 * Takes over a full set of assignments, as an answer to a registration or heartbeat carries it.
 *
 * An entry of the journal survives where its generation is higher, or where it was accepted after
 * `knownSeq`: the set was made without knowing of it. Order and repetition of sets do not matter. [E-10]
 */
export function replaceAssignments(journal: JournalState, set: readonly Assignment[], options: { readonly nodeId: string; readonly knownSeq: number }): Replacement {
  const seq = journal.seq + 1;
  const entries = new Map<string, JournalEntry>();
  const taken: string[] = [];
  const dropped: string[] = [];
  for (const assignment of set) {
    if (assignment.target.node_id !== options.nodeId || entries.size >= ASSIGNMENTS_MAX) continue;
    const key = instanceKey(assignment);
    const best = entries.get(key) ?? journal.entries.get(key);
    if (best !== undefined && best.assignment.generation >= assignment.generation) {
      entries.set(key, best);
      continue;
    }
    if (!taken.includes(key)) taken.push(key);
    entries.set(key, { assignment, acceptedSeq: seq });
  }
  for (const [key, entry] of journal.entries) {
    if (entries.has(key)) continue;
    if (entry.acceptedSeq > options.knownSeq) entries.set(key, entry);
    else dropped.push(key);
  }
  const isSame = taken.length === 0 && dropped.length === 0;
  return { next: isSame ? journal : { ...journal, entries, seq }, taken, dropped };
}
