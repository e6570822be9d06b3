import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anAssignment } from '../../test/an-assignment.js';
import { acceptAssignment } from './accept-assignment.js';
import { EMPTY_JOURNAL } from './journal-state.js';
import type { JournalState } from './journal-state.js';
import { replaceAssignments } from './replace-assignments.js';

const journalOf = (...names: readonly [string, number][]): JournalState =>
  names.reduce((journal, [name, generation]) => {
    const accepted = acceptAssignment(journal, anAssignment(name, { generation }), 'n1');
    return accepted.kind === 'accepted' ? accepted.next : journal;
  }, EMPTY_JOURNAL);
const generations = (journal: JournalState) => Object.fromEntries([...journal.entries].map(([key, { assignment }]) => [key, assignment.generation]).sort());

describe('acceptAssignment', () => {
  test('E-10 a higher generation replaces, an equal or lower one is stale', () => {
    const journal = journalOf(['a', 5]);
    expect(acceptAssignment(journal, anAssignment('a', { generation: 4 }), 'n1')).toEqual({ kind: 'stale', known: 5 });
    expect(acceptAssignment(journal, anAssignment('a', { generation: 5 }), 'n1')).toEqual({ kind: 'stale', known: 5 });
    const accepted = acceptAssignment(journal, anAssignment('a', { generation: 6 }), 'n1');
    expect(accepted.kind === 'accepted' && generations(accepted.next)).toEqual({ 'default/a': 6 });
  });

  test('G-20 an event for another node is ignored', () => {
    expect(acceptAssignment(EMPTY_JOURNAL, anAssignment('a', { target: { node_id: 'n2', pool_id: 'p1' } }), 'n1')).toEqual({ kind: 'ignored', reason: 'it is for node n2' });
  });

  test('E-10 events in any order, repeated, end in the highest generation of each instance', () => {
    const event = fc.record({ name: fc.constantFrom('a', 'b', 'c'), generation: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const highest: Record<string, number> = {};
        for (const { name, generation } of events) highest[`default/${name}`] = Math.max(highest[`default/${name}`] ?? 0, generation);
        expect(generations(journalOf(...events.map(({ name, generation }) => [name, generation] as [string, number])))).toEqual(Object.fromEntries(Object.entries(highest).sort()));
      }),
    );
  });
});

describe('replaceAssignments', () => {
  const replace = (journal: JournalState, set: readonly [string, number][], knownSeq = journal.seq) =>
    replaceAssignments(journal, set.map(([name, generation]) => anAssignment(name, { generation })), { nodeId: 'n1', knownSeq });

  test('E-10 what the set lacks is dropped, what it has in a higher generation is taken, a lower one never wins', () => {
    const { next, taken, dropped } = replace(journalOf(['a', 5], ['b', 2], ['c', 1]), [['a', 4], ['b', 3], ['d', 1]]);
    expect({ generations: generations(next), taken, dropped }).toEqual({
      generations: { 'default/a': 5, 'default/b': 3, 'default/d': 1 },
      taken: ['default/b', 'default/d'],
      dropped: ['default/c'],
    });
  });

  test('E-10 an assignment that arrived after the report was sent is not dropped by the answer to it', () => {
    const before = journalOf(['a', 1]);
    const after = acceptAssignment(before, anAssignment('b'), 'n1');
    if (after.kind !== 'accepted') throw new Error('refused');
    expect(generations(replace(after.next, [['a', 1]], before.seq).next)).toEqual({ 'default/a': 1, 'default/b': 1 });
  });

  test('E-10 an equal set changes nothing', () => {
    const journal = journalOf(['a', 1], ['b', 2]);
    expect(replace(journal, [['b', 2], ['a', 1]]).next).toBe(journal);
  });

  test('G-20 entries for other nodes are not taken', () => {
    expect(replaceAssignments(EMPTY_JOURNAL, [anAssignment('a', { target: { node_id: 'n2', pool_id: 'p' } })], { nodeId: 'n1', knownSeq: 0 }).taken).toEqual([]);
  });

  test('E-10 the journal equals the set afterwards, unless it knew better', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 5 })), { maxLength: 8 });
    fc.assert(
      fc.property(pairs, fc.uniqueArray(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 5 })), { selector: ([name]) => name }), (held, set) => {
        const journal = journalOf(...held);
        const known = generations(journal);
        const expected = Object.fromEntries(set.map(([name, generation]) => [`default/${name}`, Math.max(generation, known[`default/${name}`] ?? 0)]).sort());
        expect(generations(replace(journal, set).next)).toEqual(expected);
      }),
    );
  });
});
