import { describe, expect, test } from '@jest/globals';
import { aGcInput, aGcItem, aGcPolicy, DAY_MS, NOW_MS, retired } from '../test/a-gc-item.js';
import { planGc } from './plan-gc.js';
import type { GcInput, GcPlan } from './plan-gc.js';

const FULL = { usedBytes: 950, freeBytes: 50 };
const gone = (plan: GcPlan) => plan.deletions.map(({ item, rule, freedBytes }) => `${item.id} ${rule} ${freedBytes}`);
const stays = (plan: GcPlan) => plan.kept.map(({ item, rule }) => `${item.id} ${rule}`);
const planOf = (...given: Parameters<typeof aGcInput>) => planGc(aGcInput(...given));

describe('D-34 what goes on every pass', () => {
  const policy = aGcPolicy({ rules: { deleteRetiredAfterMs: 30 * DAY_MS } });

  test('T-69 what has been retired long enough goes, the rest stays', () => {
    const plan = planOf([aGcItem('old', retired(30)), aGcItem('young', retired(29.99)), aGcItem('active')], { policy });
    expect([gone(plan), stays(plan)]).toEqual([['old DeleteRetired 10'], ['young NotNeeded', 'active NotNeeded']]);
    expect([plan.diskAfter, plan.thresholdsMet, plan.thresholdsMetAfter]).toEqual([{ usedBytes: 490, freeBytes: 510 }, true, true]);
  });

  test('D-31 without the rule nothing goes for its age', () => {
    expect(gone(planOf([aGcItem('old', retired(99))]))).toEqual([]);
  });

  test('D-31 any rule that keeps beats one that deletes', () => {
    const rules = { deleteRetiredAfterMs: 0, keepUsedWithinMs: 7 * DAY_MS };
    const plan = planOf([aGcItem('used', { ...retired(1), lastUsedMs: NOW_MS - DAY_MS }), aGcItem('unused', { ...retired(1), lastUsedMs: NOW_MS - 7 * DAY_MS })], { policy: aGcPolicy({ rules }) });
    expect([gone(plan), stays(plan)]).toEqual([['unused DeleteRetired 10'], ['used KeepRecentlyUsed']]);
  });

  test('T-71 D-37 a pin holds, whatever the rules say', () => {
    expect(stays(planOf([aGcItem('pinned', { ...retired(99), pinned: true })], { policy, disk: FULL }))).toEqual(['pinned KeepPinned']);
  });

  test('a retired model that is used in place loses its entry and keeps its file', () => {
    expect(gone(planOf([aGcItem('mine', { ...retired(99), external: true })], { policy }))).toEqual(['mine DeleteRetired 0']);
  });

  test('D-06 a file that several entries share is freed with the last one', () => {
    const shared = { path: '/models/shared' };
    expect(gone(planOf([aGcItem('a', { ...retired(99), ...shared }), aGcItem('b', shared)], { policy }))).toEqual(['a DeleteRetired 0']);
    expect(gone(planOf([aGcItem('a', { ...retired(99), ...shared }), aGcItem('b', { ...retired(99), ...shared })], { policy }))).toEqual(['a DeleteRetired 0', 'b DeleteRetired 10']);
  });
});

describe('D-34 what goes while the disk is too full', () => {
  const old = aGcItem('old', { lastUsedMs: 1, sizeBytes: 30 });
  const older = aGcItem('older', { createdMs: 0, sizeBytes: 30 });
  const recent = aGcItem('recent', { lastUsedMs: NOW_MS, sizeBytes: 30 });

  test('the least recently used goes first, and no more than is needed', () => {
    const plan = planOf([recent, old, older], { disk: FULL });
    expect([gone(plan), stays(plan)]).toEqual([['older Pressure 30', 'old Pressure 30'], ['recent NotNeeded']]);
    expect([plan.diskAfter, plan.thresholdsMet, plan.thresholdsMetAfter]).toEqual([{ usedBytes: 890, freeBytes: 110 }, false, true]);
  });

  test('each of the two thresholds is enough', () => {
    const tight = (over: Partial<GcInput>) => gone(planOf([old], over));
    expect(tight({ policy: aGcPolicy({ minFreeBytes: 500 }) })).toEqual([]);
    expect(tight({ policy: aGcPolicy({ minFreeBytes: 501 }) })).toEqual(['old Pressure 30']);
    expect(tight({ policy: aGcPolicy({ maxDiskUsagePercent: 50 }) })).toEqual([]);
    expect(tight({ policy: aGcPolicy({ maxDiskUsagePercent: 49.9 }) })).toEqual(['old Pressure 30']);
  });

  test('T-70 active models stay where a rule keeps them, and the pressure is told', () => {
    const plan = planOf([old, older], { disk: FULL, policy: aGcPolicy({ rules: { keepActive: true } }) });
    expect([gone(plan), stays(plan), plan.thresholdsMetAfter]).toEqual([[], ['old KeepActive', 'older KeepActive'], false]);
  });

  test('T-72 of what is active the recently used stays', () => {
    const plan = planOf([old, recent, aGcItem('new', { createdMs: NOW_MS })], { disk: { usedBytes: 1_000, freeBytes: 0 }, policy: aGcPolicy({ rules: { keepUsedWithinMs: 7 * DAY_MS } }) });
    expect([gone(plan), stays(plan)]).toEqual([['old Pressure 30'], ['recent KeepRecentlyUsed', 'new KeepRecentlyUsed']]);
  });

  test('T-74 what is in use stays, with who uses it', () => {
    const plan = planOf([old], { disk: FULL, useOf: () => 'loaded: replica r-1' });
    expect(plan.kept).toEqual([{ item: old, rule: 'InUse', reason: 'loaded: replica r-1' }]);
  });

  test('a shared file goes with all of its entries or not at all', () => {
    const one = aGcItem('one', { path: '/f', sizeBytes: 60, lastUsedMs: 1 });
    const two = aGcItem('two', { path: '/f', sizeBytes: 60, lastUsedMs: 2 });
    expect(gone(planOf([two, one], { disk: FULL }))).toEqual(['one Pressure 0', 'two Pressure 60']);
    expect(gone(planOf([two, one], { disk: FULL, useOf: ({ id }) => (id === 'two' ? 'busy' : null) }))).toEqual([]);
    const half = planOf([two, { ...one, ...retired(9) }], { disk: FULL, policy: aGcPolicy({ rules: { deleteRetiredAfterMs: 0 } }) });
    expect(gone(half)).toEqual(['one DeleteRetired 0', 'two Pressure 60']);
  });

  test('what would free nothing stays: used in place, empty, or on another disk', () => {
    const plan = planOf([aGcItem('mine', { external: true }), aGcItem('empty', { sizeBytes: 0 }), aGcItem('far', { isOnDisk: false })], { disk: FULL });
    expect(stays(plan)).toEqual(['mine External', 'empty NotNeeded', 'far NotNeeded']);
  });

  test('D-32 engine bundles go by the same rules as models', () => {
    const engine = aGcItem('b4567-cuda', { kind: 'engine', lastUsedMs: 0, sizeBytes: 30 });
    expect(gone(planOf([old, engine], { disk: FULL }))).toEqual(['b4567-cuda Pressure 30', 'old Pressure 30']);
  });
});

describe('D-33 room for a fetch', () => {
  const old = aGcItem('old', { sizeBytes: 300 });

  test('what a fetch needs counts as if it were there', () => {
    expect(gone(planOf([old], { neededBytes: 400 }))).toEqual([]);
    const plan = planOf([old], { neededBytes: 401 });
    expect([gone(plan), plan.fits, plan.thresholdsMetAfter]).toEqual([['old Pressure 300'], true, true]);
  });

  test('a fetch that fits beyond a threshold fits, and the threshold is told as broken', () => {
    const plan = planOf([{ ...old, pinned: true }], { neededBytes: 450 });
    expect([gone(plan), plan.fits, plan.thresholdsMetAfter]).toEqual([[], true, false]);
  });

  test('for a fetch that can never fit nothing goes', () => {
    const plan = planOf([old], { neededBytes: 801 });
    expect([gone(plan), plan.fits, plan.thresholdsMetAfter]).toEqual([[], false, false]);
  });
});
