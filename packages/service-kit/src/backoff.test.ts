import { expect, test } from '@jest/globals';
import { backoffMs, fullJitter, retrying } from './backoff.js';
import type { Clock } from './clock.js';

const POLICY = { initialMs: 100, maxMs: 2_000, attempts: 4 };

function countingClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = [];
  return { slept, nowMs: () => 0, monotonicMs: () => 0, sleep: async (ms) => void slept.push(ms) };
}

test('P-19 the wait doubles from its start and stays at its maximum', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 2_000].map((attempt) => backoffMs(attempt, POLICY))).toEqual([
    100, 100, 200, 400, 800, 1_600, 2_000, 2_000, 2_000,
  ]);
  expect(backoffMs(3, { initialMs: 1, maxMs: 100, factor: 3 })).toBe(9);
});

test('P-19 full jitter reaches from nothing to the whole wait', () => {
  expect([0, 0.5, 0.999_999].map((r) => fullJitter(100, () => r))).toEqual([0, 50, 100]);
});

test('P-19 four attempts with jittered waits in between, then the last error', async () => {
  const clock = countingClock();
  const seen: number[] = [];
  const work = (attempt: number) => {
    seen.push(attempt);
    return Promise.reject(new Error(`no ${attempt}`));
  };
  await expect(retrying(work, POLICY, { clock, random: () => 0.999, isRetriable: () => true })).rejects.toThrow('no 4');
  expect({ seen, slept: clock.slept }).toEqual({ seen: [1, 2, 3, 4], slept: [100, 200, 400] });
});

test('P-19 an error that will not pass is not tried again, and success ends it', async () => {
  const clock = countingClock();
  await expect(
    retrying(() => Promise.reject(new Error('bad')), POLICY, { clock, random: () => 0, isRetriable: () => false }),
  ).rejects.toThrow('bad');
  const answer = await retrying((attempt) => (attempt === 2 ? Promise.resolve('ok') : Promise.reject(new Error('later'))), POLICY, {
    clock,
    random: () => 0,
    isRetriable: () => true,
  });
  expect({ answer, slept: clock.slept }).toEqual({ answer: 'ok', slept: [0] });
});
