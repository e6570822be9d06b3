import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { aGcItem } from '../test/a-gc-item.js';
import type { GcItem } from './gc-item.js';
import { meets, planGc } from './plan-gc.js';
import type { GcInput, GcPlan } from './plan-gc.js';

const time = fc.integer({ min: 0, max: 20 });
/** Few paths, so that files are shared. */
const item = (n: number): fc.Arbitrary<GcItem> =>
  fc
    .record({
      kind: fc.constantFrom('model' as const, 'model' as const, 'engine' as const),
      place: fc.integer({ min: 0, max: 5 }),
      external: fc.boolean(),
      isOnDisk: fc.boolean(),
      pinned: fc.boolean(),
      retiredAtMs: fc.option(time),
      lastUsedMs: fc.option(time),
      createdMs: time,
    })
    .map(({ place, external, retiredAtMs, ...rest }) => {
      const where = { path: `${external ? 'x' : 'm'}${place}`, external, sizeBytes: place * 10 };
      return aGcItem(`i${n}`, { ...rest, ...where, retiredAtMs, lifecycle: retiredAtMs === null ? 'Active' : 'Retired' });
    });
const items = fc.integer({ min: 0, max: 9 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => item(n))));
const input: fc.Arbitrary<GcInput> = fc
  .record({
    items,
    used: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }),
    disk: fc.record({ usedBytes: fc.integer({ min: 0, max: 500 }), freeBytes: fc.integer({ min: 0, max: 100 }) }),
    policy: fc.record({
      maxDiskUsagePercent: fc.integer({ min: 0, max: 100 }),
      minFreeBytes: fc.integer({ min: 0, max: 300 }),
      rules: fc.record({ keepActive: fc.boolean(), keepUsedWithinMs: fc.option(time), deleteRetiredAfterMs: fc.option(time) }),
    }),
    nowMs: fc.integer({ min: 0, max: 25 }),
    neededBytes: fc.integer({ min: 0, max: 300 }),
  })
  .map(({ used, ...rest }) => ({ ...rest, useOf: ({ id }) => (used.includes(Number(id.slice(1))) ? 'somebody works with it' : null) }));

const ids = (plan: GcPlan) => plan.deletions.map((one) => one.item.id);
const isKept = ({ policy: { rules }, nowMs, useOf }: GcInput, one: GcItem) =>
  useOf(one) !== null ||
  one.pinned ||
  (rules.keepActive && one.lifecycle === 'Active') ||
  (rules.keepUsedWithinMs !== null && nowMs - (one.lastUsedMs ?? one.createdMs) < rules.keepUsedWithinMs);
const isAged = ({ policy: { rules }, nowMs }: GcInput, { retiredAtMs }: GcItem) => rules.deleteRetiredAfterMs !== null && retiredAtMs !== null && nowMs - retiredAtMs >= rules.deleteRetiredAfterMs;

test('D-34 D-37 T-74 nothing that is protected is ever deleted, and every item is either deleted or kept', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planGc(given);
      expect(plan.deletions.filter((one) => isKept(given, one.item))).toEqual([]);
      expect([...ids(plan), ...plan.kept.map((one) => one.item.id)].toSorted()).toEqual(given.items.map(({ id }) => id).toSorted());
    }),
    { numRuns: 500 },
  );
});

test('D-34 the plan does not depend on the order of the items', () => {
  const shuffled = input.chain((given) => fc.shuffledSubarray([...given.items], { minLength: given.items.length }).map((other) => [given, { ...given, items: other }] as const));
  fc.assert(
    fc.property(shuffled, ([given, other]) => {
      const [a, b] = [planGc(given), planGc(other)];
      expect(b.deletions).toEqual(a.deletions);
      expect([b.diskAfter, b.thresholdsMetAfter, b.fits]).toEqual([a.diskAfter, a.thresholdsMetAfter, a.fits]);
    }),
  );
});

test('D-34 what has aged goes on every pass; of the rest, only while a threshold is broken, and the last one was needed', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planGc(given);
      for (const one of given.items) if (!isKept(given, one) && isAged(given, one)) expect(ids(plan)).toContain(one.id);
      const pressed = plan.deletions.filter(({ rule }) => rule === 'Pressure');
      const lastBytes = pressed.at(-1)?.freedBytes ?? 0;
      const before = { usedBytes: plan.diskAfter.usedBytes + lastBytes, freeBytes: plan.diskAfter.freeBytes - lastBytes };
      if (pressed.length > 0) expect(meets(before, given.policy, given.neededBytes)).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('D-34 T-70 while a threshold stays broken, all that stays is protected or would free nothing', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planGc({ ...given, neededBytes: 0 });
      if (plan.thresholdsMetAfter) return;
      const kept = plan.kept.map((one) => one.item);
      const mightGo = kept.filter((one) => kept.filter(({ kind, path }) => kind === one.kind && path === one.path).every((other) => !isKept(given, other) && !other.external && other.isOnDisk && other.sizeBytes > 0));
      expect(mightGo).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('D-34 what is freed is each file once, of those that no entry is left of', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planGc(given);
      const left = new Set(plan.kept.map(({ item: { kind, path } }) => `${kind}:${path}`));
      const files = new Map(plan.deletions.filter(({ item: one }) => !one.external && !left.has(`${one.kind}:${one.path}`)).map(({ item: one }) => [`${one.kind}:${one.path}`, one.sizeBytes]));
      expect(plan.deletions.reduce((sum, { freedBytes }) => sum + freedBytes, 0)).toBe([...files.values()].reduce((sum, bytes) => sum + bytes, 0));
    }),
  );
});

test('D-34 a fuller disk, or a larger fetch that can still fit, never saves anything from deletion', () => {
  fc.assert(
    fc.property(input, fc.integer({ min: 0, max: 200 }), (given, more) => {
      const base = planGc(given);
      const moreNeeded = planGc({ ...given, neededBytes: given.neededBytes + more });
      if (moreNeeded.fits) for (const id of ids(base)) expect(ids(moreNeeded)).toContain(id);
      const fuller = planGc({ ...given, neededBytes: 0, disk: { usedBytes: given.disk.usedBytes + Math.min(more, given.disk.freeBytes), freeBytes: Math.max(0, given.disk.freeBytes - more) } });
      for (const id of ids(planGc({ ...given, neededBytes: 0 }))) expect(ids(fuller)).toContain(id);
    }),
    { numRuns: 500 },
  );
});
