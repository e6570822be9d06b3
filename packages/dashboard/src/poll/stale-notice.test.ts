import { expect, test } from '@jest/globals';
import { unreachable } from '../api/api-failure.js';
import { staleNotice } from './stale-notice.js';

const failure = unreachable('orchestratord cannot be reached');

test.each([
  [{ value: null, atMs: null, failure: null }, 'waiting', 'Asking orchestratord …'],
  [{ value: null, atMs: null, failure }, 'nothing', 'Nothing to show: orchestratord cannot be reached. Still trying.'],
  [{ value: 1, atMs: 9_000, failure: null }, 'live', 'Updated 1 s ago'],
  [{ value: 1, atMs: 1_999, failure: null }, 'stale', 'These numbers are 8 s old: the answer is late. Still trying.'],
  [{ value: 1, atMs: 2_000, failure: null }, 'live', 'Updated 8 s ago'],
  [{ value: 1, atMs: 7_000, failure }, 'stale', 'These numbers are 3 s old: orchestratord cannot be reached. Still trying.'],
] as const)('U-03 how old the numbers are, and why (%#)', (reading, state, text) => {
  expect(staleNotice(reading, 2_000, 10_000)).toMatchObject({ state, text });
});

test('U-14 what is read out says the reason once, and not the age every second', () => {
  const spoken = (nowMs: number) => staleNotice({ value: 1, atMs: 0, failure }, 2_000, nowMs).spoken;
  expect([spoken(3_000), spoken(4_000)]).toEqual(Array(2).fill('These numbers are old: orchestratord cannot be reached. Still trying.'));
  expect(staleNotice({ value: 1, atMs: 0, failure: null }, 2_000, 3_000).spoken).toBe('');
});
