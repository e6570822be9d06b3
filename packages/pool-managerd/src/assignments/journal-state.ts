import type { Assignment } from '@corral/contracts';
import type { PoolChoice } from '../devices/planned-pool.js';

/** One assignment and when this process learnt of it. */
export interface JournalEntry {
  readonly assignment: Assignment;
  /** Grows with every change of the journal in this process; 0 for what was read at start. */
  readonly acceptedSeq: number;
}

/** What the control plane wants of this node, as last told. Keys are `<org>/<instance>`. */
export interface JournalState {
  readonly entries: ReadonlyMap<string, JournalEntry>;
  /** `null` = one pool per device. */
  readonly choices: readonly PoolChoice[] | null;
  readonly seq: number;
}

export const EMPTY_JOURNAL: JournalState = { entries: new Map(), choices: null, seq: 0 };

/** Assignments that one node keeps at most; more are refused. */
export const ASSIGNMENTS_MAX = 10_000;

/** Names an instance among all organisations. */
export function instanceKey({ org_id, instance_id }: Pick<Assignment, 'org_id' | 'instance_id'>): string {
  return `${org_id}/${instance_id}`;
}
