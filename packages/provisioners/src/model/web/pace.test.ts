import { expect, test } from '@jest/globals';
import { Pace } from './pace.js';

const aPace = () => new Pace({ idleMs: 30_000, leastBytesPerS: 1_000, slowMs: 60_000 });

test('D-58 nothing for as long as is allowed is idle, a byte before that is not', () => {
  const pace = aPace();
  pace.waiting(0);
  expect(pace.problem(29_999)).toBeNull();
  expect(pace.problem(30_000)).toEqual({ kind: 'idle', ms: 30_000 });
  pace.received(30_000, 1);
  pace.waiting(30_000);
  expect(pace.problem(30_001)).toBeNull();
});

test.each([
  [999, { kind: 'slow', bytesPerS: 999 }],
  [1_000, null],
])('D-58 %i bytes a second over a minute of waiting', (bytesPerS, problem) => {
  const pace = aPace();
  for (let second = 0; second < 60; second += 1) {
    pace.waiting(second * 1_000);
    if (second > 0) expect(pace.problem(second * 1_000)).toBeNull();
    pace.received((second + 1) * 1_000, bytesPerS);
  }
  expect(pace.problem(60_000)).toEqual(problem);
  expect(pace.problem(60_000)).toBeNull();
});

test('D-58 the time that the receiver takes does not count', () => {
  const pace = aPace();
  for (let minute = 0; minute < 100; minute += 1) {
    pace.waiting(minute * 60_000);
    pace.received(minute * 60_000 + 10, 20);
    expect(pace.problem(minute * 60_000 + 59_000)).toBeNull();
  }
});
