import { Type } from '@sinclair/typebox';
import { Assignment, describeProblems, PoolDefinition, validator } from '@corral/contracts';
import { EMPTY_JOURNAL, instanceKey } from './journal-state.js';
import type { JournalState } from './journal-state.js';

const SCHEMA_VERSION = 1;

const Document = Type.Object({
  schema_version: Type.Literal(SCHEMA_VERSION),
  node_id: Type.String(),
  pools: Type.Union([Type.Array(PoolDefinition), Type.Null()]),
  assignments: Type.Array(Assignment),
});
const check = validator(Document);

export type DecodedJournal = { readonly kind: 'journal'; readonly state: JournalState } | { readonly kind: 'unreadable'; readonly reason: string };

/** The journal as the text of its file. */
export function encodeJournal(state: JournalState, nodeId: string): string {
  const pools = state.choices?.map(({ poolId, device, memoryBytes }) => ({ pool_id: poolId, device, memory_bytes: memoryBytes })) ?? null;
  const assignments = [...state.entries.values()].map(({ assignment }) => assignment);
  return `${JSON.stringify({ schema_version: SCHEMA_VERSION, node_id: nodeId, pools, assignments }, null, 1)}\n`;
}

/** A parsed file becomes a journal; one of another node or version is unreadable. Never throws. */
export function decodeJournal(value: unknown, nodeId: string): DecodedJournal {
  const checked = check(value);
  if (!checked.ok) return { kind: 'unreadable', reason: describeProblems(checked.problems.slice(0, 3)) };
  const { node_id, pools, assignments } = checked.value;
  if (node_id !== nodeId) return { kind: 'unreadable', reason: `it belongs to node ${node_id}` };
  const choices = pools?.map(({ pool_id, device, memory_bytes }) => ({ poolId: pool_id, device, memoryBytes: memory_bytes })) ?? null;
  const entries = new Map(assignments.map((assignment) => [instanceKey(assignment), { assignment, acceptedSeq: 0 }]));
  return { kind: 'journal', state: { ...EMPTY_JOURNAL, entries, choices } };
}
