import { expect, test } from '@jest/globals';
import { nearNames } from './near-names.js';

test('D-22 the nearest names come first, those of the same kind before all others', () => {
  const names = ['p/__init__.py', 'p/', 'p/Tiny.Q4_1.gguf', 'p/tiny.Q8_0.gguf', 'p/other.gguf', 'p/tiny.Q4_1.txt'];
  expect(nearNames('p/tiny.Q4_1.gguf', names)).toEqual(['p/Tiny.Q4_1.gguf', 'p/tiny.Q8_0.gguf', 'p/other.gguf']);
  expect(nearNames('x', [])).toEqual([]);
});
