import { expect, test } from '@jest/globals';
import { chooseFile, notThere, splitProblem } from './choose-file.js';

test.each<[readonly string[], object]>([
  [['a.gguf', 'README.md'], { kind: 'file', path: 'a.gguf' }],
  [['a.gguf', 'big-00001-of-00003.gguf'], { kind: 'file', path: 'a.gguf' }],
  [['one-00001-of-00001.gguf'], { kind: 'file', path: 'one-00001-of-00001.gguf' }],
  [Array.from({ length: 14 }, (_, n) => `${n}.gguf`), { kind: 'none', message: expect.stringContaining('14 GGUF files: 0.gguf, 1.gguf, 2.gguf, 3.gguf, 4.gguf, 5.gguf, 6.gguf, 7.gguf, 8.gguf, 9.gguf, 10.gguf, 11.gguf and 2 more; add') }],
])('D-57 of %j', (paths, choice) => {
  expect(chooseFile('hf:org/repo', paths)).toEqual(choice);
});

test('D-57 what is near a path that is not there', () => {
  expect(notThere('hf:org/repo', 'x.gguf', [])).toBe('hf:org/repo has no file x.gguf; it is empty; correct the repository');
  expect(notThere('hf:org/repo', 'tiny.Q4.gguf', ['tiny.Q5.gguf', 'z.md'])).toContain('it has tiny.Q5.gguf');
});

test('D-57 a name that only looks like a part', () => {
  expect([splitProblem('m-1-of-2.gguf'), splitProblem('m-00002-of-00003.gguf.bak')]).toEqual([null, null]);
});
