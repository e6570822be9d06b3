import { expect, test } from '@jest/globals';
import { isAtLeast } from './compute-capability.js';

test.each([
  ['8.6', '8.6', true],
  ['8.10', '8.9', true],
  ['8.9', '8.10', false],
  ['12.0', '8.9', true],
  ['7.5', '8.0', false],
  ['8', '8.0', true],
  ['8', '8.1', false],
  ['8.1', '8', true],
  [undefined, '8.0', true],
  ['7.5', undefined, true],
  ['gfx1100', '8.0', true],
  ['8.6', 'gfx1100', true],
  ['8.', '9.0', true],
])('A-28 %s reaches %s: %s', (actual, minimum, answer) => {
  expect(isAtLeast(actual, minimum)).toBe(answer);
});
