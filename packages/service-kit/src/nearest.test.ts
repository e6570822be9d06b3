import { expect, test } from '@jest/globals';
import { nearest } from './nearest.js';

test('B-03 what is near a mistyped name, the closest first, at most three', () => {
  const names = ['smollm2', 'smollm', 'tinyllama', 'qwen', 'smolvlm2'];
  expect(nearest('smolm2', names)).toEqual(['smollm2', 'smollm', 'smolvlm2']);
  expect(nearest('SMOLLM2', names)[0]).toBe('smollm2');
  expect(nearest('tiny', names)).toEqual(['tinyllama']);
  expect(nearest('whisper', names)).toEqual([]);
  expect(nearest('x'.repeat(10_000), names)).toEqual([]);
});
