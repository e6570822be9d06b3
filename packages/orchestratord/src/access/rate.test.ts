import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { takeRequest, type Bucket } from './rate.js';

test('B-137 a minute’s requests may come at once, then one for each share of a minute', () => {
  let bucket: Bucket | undefined;
  const take = (nowMs: number) => {
    const taken = takeRequest(bucket, 2, nowMs);
    if (taken.kind === 'taken') bucket = taken.bucket;
    return taken.kind === 'taken' ? 'taken' : taken.retryAfterMs;
  };
  expect([take(0), take(0), take(0), take(29_999), take(30_000), take(30_000), take(1_000_000), take(1_000_000), take(1_000_000)]).toEqual(['taken', 'taken', 30_000, 1, 'taken', 30_000, 'taken', 'taken', 30_000]);
});

test('B-137 no window of any length sees more than a full bucket and what flowed into it, and waiting as told is enough', () => {
  const waits = fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 120 }), waits, (perMinute, gapsMs) => {
      let bucket: Bucket | undefined;
      let nowMs = 0;
      const takenAtMs: number[] = [];
      for (const gapMs of gapsMs) {
        nowMs += gapMs;
        const taken = takeRequest(bucket, perMinute, nowMs);
        if (taken.kind === 'taken') {
          bucket = taken.bucket;
          takenAtMs.push(nowMs);
        } else expect(takeRequest(bucket, perMinute, nowMs + taken.retryAfterMs).kind).toBe('taken');
      }
      takenAtMs.forEach((startMs, first) =>
        takenAtMs.slice(first).forEach((endMs, count) => expect(count + 1).toBeLessThanOrEqual(perMinute + ((endMs - startMs) * perMinute) / 60_000 + 1e-6)),
      );
    }),
  );
});
