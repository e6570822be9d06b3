import { expect, test } from '@jest/globals';
import { millisecondsOf } from './duration-option.js';

test.each([
  ['60s', 60_000],
  ['500ms', 500],
  ['1.5m', 90_000],
  ['2h', 7_200_000],
  ['7', 7_000],
])('C-263 %s is %s ms', (text, ms) => {
  expect(millisecondsOf(text, '--deadline')).toBe(ms);
});

test.each(['soon', '', '-1s', '5 days'])('C-263 "%s" is no duration', (text) => {
  expect(() => millisecondsOf(text, '--deadline')).toThrow('is no duration');
});
