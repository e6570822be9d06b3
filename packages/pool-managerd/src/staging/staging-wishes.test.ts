import { describe, expect, test } from '@jest/globals';
import type { Assignment } from '@corral/contracts';
import { anAssignment } from '../../test/an-assignment.js';
import { wantedModelOf } from '../assignments/wanted-model.js';
import { wantedModelKey } from '../models/present-model.js';
import type { Presence } from '../models/present-model.js';
import { stagingWishes } from './staging-wishes.js';
import type { WishSources } from './staging-wishes.js';

const DIGEST = 'sha256:a' as const;
const entry = (assignment: Assignment, acceptedSeq = 1) => ({ assignment, acceptedSeq });
const sources = (over: Partial<WishSources> = {}): WishSources => ({
  presence: (key): Presence => {
    const wanted = wantedModelOf(anAssignment('a'));
    return { key, wanted, phase: { state: 'present' }, model: { modelId: 'a', digest: DIGEST, path: '/m/a', sizeBytes: 9, facts: null }, failures: 0, generation: 1 };
  },
  isStaged: () => false,
  runningFor: () => null,
  isLoaded: () => false,
  ...over,
});
const wish = { modelId: 'a', digest: DIGEST, path: '/m/a', sizeBytes: 9, seq: 1, isPinned: false, isForNextLoad: false };
const nextLoad = { ...wish, isForNextLoad: true };

describe('stagingWishes', () => {
  const a = anAssignment('a');

  test.each([['staged', [wish]], ['resident', []], ['on_disk', []], ['absent', []]] as const)('C-71 C-224 before its load, what is to be %s wishes %j', (wanted, wishes) => {
    expect(stagingWishes([entry({ ...a, wanted })], sources())).toEqual(wishes);
  });

  test('C-72 C-75 C-224 what is resident, staged or on its way there is wished for, so that its copy comes after its load and stays', () => {
    const seen = [{ isLoaded: () => true }, { isStaged: () => true }, { runningFor: () => 'next_load' as const }, { runningFor: () => 'now' as const }];
    expect(seen.map((over) => stagingWishes([entry(a)], sources(over)))).toEqual(seen.map(() => [nextLoad]));
  });

  test.each([
    ['next_load', 'on_disk', [nextLoad]],
    ['next_load', 'absent', []],
    ['now', 'on_disk', []],
  ] as const)('C-227 a copy under way for %s, of what is to be %s now, is wished for as %j', (runningFor, wanted, wishes) => {
    expect(stagingWishes([entry({ ...a, wanted })], sources({ runningFor: () => runningFor }))).toEqual(wishes);
  });

  test('C-227 a copy that somebody else waits for is none for the next load alone', () => {
    expect(stagingWishes([entry(a), entry({ ...a, instance_id: 'b', wanted: 'staged' })], sources({ isLoaded: () => true }))).toEqual([wish]);
  });

  test('C-220 C-224 a copy under way is wished for while its file is looked at again, and no longer once that is not what it was', () => {
    const at = (phase: Presence['phase'], runningFor: 'now' | null) => sources({ presence: (key) => ({ ...(sources().presence(key) as Presence), phase }), runningFor: () => runningFor });
    const [working, failed] = [{ state: 'working', progress: null } as const, { state: 'failed', error: 'another digest', retryAtMs: 1 } as const];
    const wishes = [at(working, 'now'), at(working, null), at(failed, 'now')].map((found) => stagingWishes([entry({ ...a, wanted: 'staged' })], found));
    expect(wishes).toEqual([[wish], [], []]);
  });

  test('C-71 one wish per file: the newest asking counts, and one that pins it', () => {
    const other = { ...a, instance_id: 'b', wanted: 'staged' as const, model: { ...a.model, pinned: true } };
    expect(stagingWishes([entry({ ...a, wanted: 'staged' }, 2), entry(other, 7), entry({ ...a, instance_id: 'c', wanted: 'staged' }, 3)], sources())).toEqual([{ ...wish, seq: 7, isPinned: true }]);
  });

  test('C-71 a model that is not present has no wish yet', () => {
    const key = wantedModelKey(wantedModelOf(a));
    const working: WishSources['presence'] = () => ({ key, wanted: wantedModelOf(a), phase: { state: 'working', progress: null }, model: null, failures: 0, generation: 1 });
    expect([stagingWishes([entry({ ...a, wanted: 'staged' })], sources({ presence: working })), stagingWishes([entry({ ...a, wanted: 'staged' })], sources({ presence: () => undefined }))]).toEqual([[], []]);
  });
});
