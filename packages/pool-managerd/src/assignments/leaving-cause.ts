import type { JournalEntry } from './journal-state.js';

/** Why a replica of this model changes, in the words of whoever decided it: the newest assignment that no longer wants it resident. */
export function leavingCause(entries: readonly JournalEntry[], replica: { readonly modelId: string; readonly isPoolDrained: boolean }): string {
  if (replica.isPoolDrained) return 'the pool is drained';
  const [newest] = entries
    .filter(({ assignment }) => assignment.model.model_id === replica.modelId && assignment.wanted !== 'resident')
    .toSorted((a, b) => b.acceptedSeq - a.acceptedSeq || b.assignment.generation - a.assignment.generation);
  return newest?.assignment.reason ?? 'no assignment wants it';
}
