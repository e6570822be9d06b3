import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { digestFromHex } from './digest.js';
import { planStaging } from './plan-staging.js';
import type { StagedFile, StagingInput } from './plan-staging.js';

const digest = (n: number) => digestFromHex(n.toString(16).padStart(64, '0'));
const file = (n: number) =>
  fc.record({ sizeBytes: fc.integer({ min: 0, max: 50 }), lastUsedMs: fc.integer({ min: 0, max: 20 }), leases: fc.integer({ min: 0, max: 1 }), isPinned: fc.boolean(), isWanted: fc.boolean() }).map((rest): StagedFile => ({ digest: digest(n), ...rest }));
const files = fc.integer({ min: 0, max: 8 }).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => file(n))));
const input = fc.record({
  digest: fc.constant(digest(99)),
  sizeBytes: fc.integer({ min: 0, max: 120 }),
  askedAtMs: fc.integer({ min: 0, max: 21 }),
  staged: files,
  budgetBytes: fc.integer({ min: 0, max: 200 }),
  otherBytes: fc.integer({ min: 0, max: 20 }),
  freeBytes: fc.integer({ min: -50, max: 200 }),
}) as fc.Arbitrary<StagingInput>;

const mayLeave = ({ askedAtMs }: StagingInput) => (one: StagedFile) => one.leases === 0 && !one.isPinned && (!one.isWanted || one.lastUsedMs < askedAtMs);
const bytesOf = (list: readonly StagedFile[]) => list.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);

test('C-73 C-78 a plan keeps budget and floor, and touches nothing that is leased, pinned or used since', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planStaging(given);
      if (plan.kind !== 'stage') return;
      const gone = given.staged.filter((one) => plan.evict.includes(one.digest));
      expect(gone.every(mayLeave(given))).toBe(true);
      expect(bytesOf(given.staged) - bytesOf(gone) + given.otherBytes + given.sizeBytes).toBeLessThanOrEqual(given.budgetBytes);
      expect(given.sizeBytes).toBeLessThanOrEqual(given.freeBytes + bytesOf(gone));
    }),
  );
});

test('C-73 nobody leaves while one that was used earlier stays and might leave, and the last one was needed', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planStaging(given);
      if (plan.kind !== 'stage' || plan.evict.length === 0) return;
      const gone = given.staged.filter((one) => plan.evict.includes(one.digest));
      const stayed = given.staged.filter((one) => !plan.evict.includes(one.digest)).filter(mayLeave(given));
      const rank = ({ isWanted, lastUsedMs }: StagedFile) => (isWanted ? 1_000 : 0) + lastUsedMs;
      expect(Math.min(...stayed.map(rank))).toBeGreaterThanOrEqual(Math.max(...gone.map(rank)));
      const withoutLast = bytesOf(gone.filter((one) => one.digest !== plan.evict.at(-1)));
      const fitsBudget = bytesOf(given.staged) - withoutLast + given.otherBytes + given.sizeBytes <= given.budgetBytes;
      expect(fitsBudget && given.sizeBytes <= given.freeBytes + withoutLast).toBe(false);
    }),
  );
});

test('C-73 room that can be made is found, and what is missing otherwise is exact', () => {
  fc.assert(
    fc.property(input, (given) => {
      const plan = planStaging(given);
      const all = bytesOf(given.staged.filter(mayLeave(given)));
      const needed = Math.max(bytesOf(given.staged) + given.otherBytes + given.sizeBytes - given.budgetBytes, given.sizeBytes - given.freeBytes);
      if (plan.kind === 'no_room') expect(plan.missingBytes).toBe(needed - all);
      else expect(plan.kind).toBe(given.sizeBytes > given.budgetBytes ? 'too_large' : 'stage');
      expect(plan.kind === 'no_room').toBe(given.sizeBytes <= given.budgetBytes && needed > all);
    }),
  );
});

test('C-222 two files that do not fit together come to rest: the one that was asked for later stays', () => {
  fc.assert(
    fc.property(fc.integer({ min: 51, max: 100 }), fc.integer({ min: 51, max: 100 }), fc.integer({ min: 1, max: 5 }), (a, b, rounds) => {
      const wishes = [{ digest: digest(1), sizeBytes: a, askedAtMs: 1 }, { digest: digest(2), sizeBytes: b, askedAtMs: 2 }];
      let staged: readonly StagedFile[] = [];
      for (let round = 0; round <= rounds; round += 1) {
        for (const wish of wishes) {
          const plan = planStaging({ ...wish, staged, budgetBytes: 100, otherBytes: 0, freeBytes: 1_000 });
          if (plan.kind === 'stage') staged = [...staged.filter((one) => !plan.evict.includes(one.digest)), { ...wish, lastUsedMs: wish.askedAtMs, leases: 0, isPinned: false, isWanted: true }];
        }
      }
      expect(staged.map((one) => one.digest)).toEqual([digest(2)]);
    }),
  );
});
