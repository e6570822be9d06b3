import { describe, expect, test } from '@jest/globals';
import type { Digest } from '@corral/catalog-core';
import { aReplica, resident } from '../../test/a-replica.js';
import { anAssignment } from '../../test/an-assignment.js';
import { describeUses, maybeUsed, usesOf } from './in-use.js';
import type { ModelUseSources } from './in-use.js';
import type { Presence, PresenceState } from './present-model.js';

const digest: Digest = `sha256:${'ab'.repeat(32)}`;
const model = { modelId: 'tiny', digest };
const none: ModelUseSources = { assignments: () => [], presences: () => [], replicas: () => [], staging: null, work: () => [] };
const kinds = (sources: Partial<ModelUseSources>) => {
  const uses = usesOf(model, { ...none, ...sources }).map(({ kind }) => kind);
  // The quick look never misses anybody.
  if (uses.length > 0 && !maybeUsed({ ...none, ...sources })(model)) throw new Error('the quick look says that nobody uses it');
  return uses;
};
const presence = (phase: PresenceState, modelId = 'tiny', wantedDigest: string | null = digest): Presence => ({ key: 'k', wanted: { modelId, sources: [], digest: wantedDigest }, phase, model: null, failures: 0, generation: 1 });

describe('D-34 G-09 who uses a model', () => {
  test('nobody', () => {
    expect([usesOf(model, none), maybeUsed(none)(model)]).toEqual([[], false]);
  });

  test.each([
    ['waiting', 'loading'],
    ['loading', 'loading'],
    ['resident', 'loaded'],
    ['draining', 'loaded'],
    ['stopping', 'loaded'],
    ['parking', 'parked'],
    ['parked', 'parked'],
    ['resuming', 'loading'],
  ] as const)('a replica that is %s: %s', (state, kind) => {
    const phase = { state, sinceMs: 0 } as never;
    expect(kinds({ replicas: () => [aReplica('tiny', phase, { digest })] })).toEqual([kind]);
    expect(kinds({ replicas: () => [aReplica('tiny', phase, { digest: `sha256:${'cd'.repeat(32)}` })] })).toEqual([]);
  });

  test('T-74 a replica of another id that is made of the same file', () => {
    expect(kinds({ replicas: () => [aReplica('alias', resident, { digest })] })).toEqual(['loaded']);
  });

  test('a staged copy that is leased, and one that is coming; not one that is left over', () => {
    const copy = { modelId: 'tiny', digest, path: '/s', sizeBytes: 1, lastUsedMs: 0, leases: 0 };
    const wish = { ...copy, askedAtMs: 0, isAssigned: false, isByHand: true, isPinned: false, isForNextLoad: false, notBeforeMs: 0, problem: null, failures: 0, seq: 0 };
    const area = (parts: { readonly leases: number; readonly isComing: boolean }) => ({ list: () => [{ ...copy, leases: parts.leases }], wishes: () => [wish], isComing: () => parts.isComing });
    expect(kinds({ staging: area({ leases: 2, isComing: false }) })).toEqual(['staged']);
    expect(kinds({ staging: area({ leases: 0, isComing: true }) })).toEqual(['staging']);
    expect(kinds({ staging: area({ leases: 0, isComing: false }) })).toEqual([]);
  });

  test('work on it by its id or by its digest; not work that has ended', () => {
    expect(kinds({ presences: () => [presence({ state: 'working', progress: null })] })).toEqual(['fetching']);
    expect(kinds({ presences: () => [presence({ state: 'working', progress: null }, 'tiny', null)] })).toEqual(['fetching']);
    expect(kinds({ presences: () => [presence({ state: 'working', progress: { phase: 'verifying', bytes: 0, totalBytes: 1 } }, 'alias')] })).toEqual(['verifying']);
    expect(kinds({ presences: () => [presence({ state: 'working', progress: null }, 'alias', null)] })).toEqual([]);
    expect(kinds({ presences: () => [presence({ state: 'present' })] })).toEqual([]);
    expect(kinds({ work: () => [{ kind: 'verifying', by: 'a call', modelId: 'other', digest }] })).toEqual(['verifying']);
  });

  test('an assignment that wants it near; not one that rests on disk', () => {
    const entry = (wanted: 'resident' | 'staged' | 'on_disk' | 'absent') => ({ assignment: anAssignment('tiny', { wanted }), acceptedSeq: 1 });
    expect(kinds({ assignments: () => [entry('resident'), entry('staged')] })).toEqual(['assigned', 'assigned']);
    expect(kinds({ assignments: () => [entry('on_disk'), entry('absent')] })).toEqual([]);
  });

  test('uses are told in words, the first three of them', () => {
    const use = { kind: 'loaded', by: 'replica r-1' } as const;
    expect(describeUses([use])).toBe('loaded: replica r-1');
    expect(describeUses([use, use, use, use, use])).toBe('loaded: replica r-1; loaded: replica r-1; loaded: replica r-1; and 2 more');
  });
});
