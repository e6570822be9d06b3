import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planIdle } from './plan-idle.js';

const one = (over: Partial<Parameters<typeof planIdle>[0][number]> = {}) => ({ key: 'a', isBusy: false, lastUsedMs: 1_000, ttlMs: 2_000, ...over });

test('C-65 its time ends exactly with its TTL, begins anew with each use, and never passes while it works', () => {
  expect(planIdle([one()], 2_999)).toEqual({ expired: [], nextMs: 3_000 });
  expect(planIdle([one()], 3_000)).toEqual({ expired: ['a'], nextMs: null });
  expect(planIdle([one({ lastUsedMs: 2_500 })], 3_000)).toEqual({ expired: [], nextMs: 4_500 });
  expect(planIdle([one({ isBusy: true })], 99_000)).toEqual({ expired: [], nextMs: null });
  expect(planIdle([one({ ttlMs: null })], 99_000)).toEqual({ expired: [], nextMs: null });
});

test('C-65 whoever looks again at the time that was named finds one expired, and before it none more', () => {
  const any = fc.uniqueArray(fc.record({ key: fc.stringMatching(/^[a-z]{1,2}$/), isBusy: fc.boolean(), lastUsedMs: fc.nat(50), ttlMs: fc.option(fc.nat(50)) }), { selector: ({ key }) => key, maxLength: 8 });
  fc.assert(
    fc.property(any, fc.nat(100), (instances, nowMs) => {
      const { expired, nextMs } = planIdle(instances, nowMs);
      for (const { key, isBusy, lastUsedMs, ttlMs } of instances) expect(expired.includes(key)).toBe(!isBusy && ttlMs !== null && nowMs - lastUsedMs >= ttlMs);
      if (nextMs === null) return;
      expect(planIdle(instances, nextMs - 1).expired).toEqual(expired);
      expect(planIdle(instances, nextMs).expired.length).toBeGreaterThan(expired.length);
    }),
  );
});
