import { describe, expect, test } from '@jest/globals';
import { digestFromHex } from './digest.js';
import { planStaging } from './plan-staging.js';
import type { StagedFile, StagingInput } from './plan-staging.js';

const d = (n: number) => digestFromHex(n.toString(16).padStart(64, '0'));
const aFile = (n: number, over: Partial<StagedFile> = {}): StagedFile => ({ digest: d(n), sizeBytes: 100, lastUsedMs: n, leases: 0, isPinned: false, isWanted: true, ...over });
const plan = (over: Partial<StagingInput>) => planStaging({ digest: d(99), sizeBytes: 100, askedAtMs: 1_000, staged: [], budgetBytes: 300, otherBytes: 0, freeBytes: 10_000, ...over });

describe('planStaging', () => {
  test.each<[string, Partial<StagingInput>, ReturnType<typeof planStaging>]>([
    ['C-73 what fits evicts nothing', { staged: [aFile(1), aFile(2)] }, { kind: 'stage', evict: [] }],
    ['C-73 exactly full is not too full', { sizeBytes: 300 }, { kind: 'stage', evict: [] }],
    ['C-73 one byte more than the area is too large', { sizeBytes: 301 }, { kind: 'too_large', sizeBytes: 301, budgetBytes: 300 }],
    ['C-73 the least recently used leaves, and no other', { staged: [aFile(3), aFile(1), aFile(2)] }, { kind: 'stage', evict: [d(1)] }],
    ['C-73 leased and pinned files stay', { staged: [aFile(1, { leases: 1 }), aFile(2, { isPinned: true }), aFile(3)] }, { kind: 'stage', evict: [d(3)] }],
    ['C-73 where only they are left there is no room', { staged: [aFile(1, { leases: 1 }), aFile(2, { isPinned: true }), aFile(3, { leases: 2 })] }, { kind: 'no_room', limit: 'budget', missingBytes: 100 }],
    ['C-222 what was used after the wish stays', { askedAtMs: 2, staged: [aFile(1), aFile(2), aFile(3)] }, { kind: 'stage', evict: [d(1)] }],
    ['C-222 a wish never displaces one of the same time', { askedAtMs: 1, staged: [aFile(1), aFile(2), aFile(3)] }, { kind: 'no_room', limit: 'budget', missingBytes: 100 }],
    ['C-222 what nobody wants leaves first, however lately it was used', { askedAtMs: 2, staged: [aFile(1), aFile(2), aFile(3, { isWanted: false })] }, { kind: 'stage', evict: [d(3)] }],
    ['C-78 memory below the floor makes files leave though the budget has room', { staged: [aFile(1)], freeBytes: 40 }, { kind: 'stage', evict: [d(1)] }],
    ['C-78 where that is not enough nothing leaves', { staged: [aFile(1)], freeBytes: -10 }, { kind: 'no_room', limit: 'free_ram', missingBytes: 10 }],
    ['C-73 what lies beside the files counts', { staged: [aFile(1), aFile(2)], otherBytes: 1 }, { kind: 'stage', evict: [d(1)] }],
    ['C-71 what is there is not staged again, however full it is', { staged: [aFile(99)], budgetBytes: 1, freeBytes: -1 }, { kind: 'present' }],
  ])('%s', (_, over, expected) => {
    expect(plan(over)).toEqual(expected);
  });
});
