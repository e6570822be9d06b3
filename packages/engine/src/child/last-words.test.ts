import { describe, expect, test } from '@jest/globals';
import { LastWords, reasonIn } from './last-words.js';

describe('LastWords', () => {
  test('C-122 lines are put together from pieces, empty ones left out, an unfinished one kept', () => {
    const words = new LastWords();
    expect(words.push('one\ntw')).toEqual(['one']);
    expect(words.push('o\n\nthr')).toEqual(['two']);
    expect(words.lines).toEqual(['one', 'two', 'thr']);
  });

  test('C-122 the last 40 lines of at most 400 characters are kept', () => {
    const words = new LastWords();
    for (let n = 0; n < 100; n += 1) words.push(`${n} ${'x'.repeat(1_000)}\n`);
    expect(words.lines.map((line) => [line.length, Number(line.split(' ')[0])])).toEqual(Array.from({ length: 40 }, (_, n) => [400, 60 + n]));
  });

  test("C-122 a line of the worker's own log is kept as people read it, without its stack", () => {
    const words = new LastWords();
    const line = JSON.stringify({ level: 'error', message: 'engine worker failed', error: `Error: no room\n    at load (file:///x.js:1:1)${'\n    at more'.repeat(100)}` });
    expect(words.push(`${line}\n{"level":"warn","message":"context cut"}\n{ no json\n`)).toEqual([line.slice(0, 400), '{"level":"warn","message":"context cut"}', '{ no json']);
    expect(words.lines).toEqual(['engine worker failed: Error: no room', 'context cut', '{ no json']);
  });

  test('C-122 endless output without a line break stays bounded', () => {
    const words = new LastWords();
    for (let n = 0; n < 1_000; n += 1) words.push('y'.repeat(1_000));
    expect(words.lines.map((line) => line.length)).toEqual([400]);
  });

  test('C-122 the reason is the last telling line, else the last line', () => {
    expect([reasonIn(['CUDA error: out of memory', 'done']), reasonIn(['a', 'b']), reasonIn([])]).toEqual(['CUDA error: out of memory', 'b', null]);
  });
});
