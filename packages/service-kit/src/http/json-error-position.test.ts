import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { describePosition, jsonErrorPosition } from './json-error-position.js';

test('B-06 the first character that JSON does not allow', () => {
  const at = (text: string) => jsonErrorPosition(text);
  expect([
    at('{"a":}'),
    at('{"a" 1}'),
    at('{a:1}'),
    at('[1,]'),
    at('[1 2]'),
    at('{"a":1,}'),
    at('{"a":1]'),
    at('nul'),
    at('01'),
    at('"a\nb"'),
    at('{} x'),
    at("{'a':1}"),
    at('[tru]'),
  ]).toEqual([5, 5, 1, 3, 3, 7, 6, 0, 1, 0, 3, 1, 1]);
  expect([at(''), at('{"a":[1,2'), at('{'), at('[')]).toEqual([0, 9, 1, 1]);
});

test('B-06 it agrees with the parser about what is JSON, also very deep', () => {
  const isJson = (text: string) => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  fc.assert(
    fc.property(fc.json({ maxDepth: 4 }), fc.nat(), fc.constantFrom('', ',', '}', ']', '"', ':', 'x', '1', ' '), (text, at, put) => {
      const cut = at % (text.length + 1);
      const changed = text.slice(0, cut) + put + text.slice(cut + (put === '' ? 1 : 0));
      const position = jsonErrorPosition(changed);
      if (isJson(changed)) expect(position).toBe(changed.length);
      // What stops at the place where nothing may follow is JSON up to there.
      else expect(() => JSON.parse(changed.slice(0, position) + (changed[position] ?? ''))).toThrow();
    }),
  );
  expect(jsonErrorPosition('['.repeat(200_000))).toBe(200_000);
});

test('B-06 positions are told as line and column from 1', () => {
  expect([
    describePosition('ab\ncd', 0),
    describePosition('ab\ncd', 2),
    describePosition('ab\ncd', 3),
    describePosition('ab\ncd', 5),
  ]).toEqual(['line 1 column 1', 'line 1 column 3', 'line 2 column 1', 'line 2 column 3']);
});
