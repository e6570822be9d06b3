import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FakeClock } from '@corral/test-kit';
import { Bandwidth, takeTokens } from './bandwidth.js';

test('D-54 whatever comes in pieces, in any time no more passes than the rate and one burst allow', () => {
  const piece = fc.record({ bytes: fc.integer({ min: 1, max: 5_000 }), pauseMs: fc.integer({ min: 0, max: 3_000 }) });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 40 }), fc.integer({ min: 1_000, max: 50_000 }), (pieces, rate) => {
      let state = { fullAtMs: Number.NEGATIVE_INFINITY };
      let nowMs = 0;
      const passed: { readonly atMs: number; readonly bytes: number }[] = [];
      for (const { bytes, pauseMs } of pieces) {
        nowMs += pauseMs;
        const taken = takeTokens(state, nowMs, bytes, rate);
        state = taken.state;
        nowMs += taken.waitMs;
        passed.push({ atMs: nowMs, bytes });
      }
      for (const [n, { atMs }] of passed.entries()) {
        const until = passed.slice(n);
        const bytes = until.reduce((sum, one) => sum + one.bytes, 0);
        const largest = until[0]?.bytes ?? 0;
        expect(bytes).toBeLessThanOrEqual(largest + 1 + (rate * ((until.at(-1)?.atMs ?? 0) - atMs + 250)) / 1_000);
      }
    }),
    { seed: 54 },
  );
});

test('D-54 several callers share one rate, and one that leaves does not wait', async () => {
  const clock = new FakeClock();
  const bandwidth = new Bandwidth(1_000, clock);
  const passed: string[] = [];
  const { signal } = new AbortController();
  for (const name of ['a', 'b', 'c']) void bandwidth.pass(1_000, signal).then(() => passed.push(name));
  const leaving = new AbortController();
  const left = bandwidth.pass(1_000, leaving.signal);
  await clock.advance(749);
  expect(passed).toEqual([]);
  await clock.advance(1);
  expect(passed).toEqual(['a']);
  leaving.abort(new Error('bye'));
  await expect(left).rejects.toThrow('bye');
  await clock.advance(2_000);
  expect(passed).toEqual(['a', 'b', 'c']);
  await new Bandwidth(null, clock).pass(1e12, signal);
});
