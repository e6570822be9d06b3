import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { overCeiling } from './over-ceiling.js';

const anyHot = fc.uniqueArray(fc.record({ key: fc.stringMatching(/^[a-z]{1,3}$/), lastUsedMs: fc.nat(5) }), { selector: ({ key }) => key, maxLength: 12 });

test('C-63 at a ceiling of two the least recently used of three goes', () => {
  const hot = [{ key: 'b', lastUsedMs: 2 }, { key: 'a', lastUsedMs: 1 }, { key: 'c', lastUsedMs: 3 }];
  expect([overCeiling(hot, 2), overCeiling(hot, 3), overCeiling(hot, 0), overCeiling(hot, null)]).toEqual([['a'], [], ['a', 'b', 'c'], []]);
});

test('C-63 exactly as many go as are too many, none of them used later than one that stays, in whatever order they come', () => {
  fc.assert(
    fc.property(anyHot, fc.nat(12), (hot, ceiling) => {
      const gone = overCeiling(hot, ceiling);
      expect(gone.length).toBe(Math.max(0, hot.length - ceiling));
      const [leaving, staying] = [hot.filter(({ key }) => gone.includes(key)), hot.filter(({ key }) => !gone.includes(key))];
      for (const one of leaving) expect(staying.every(({ lastUsedMs }) => lastUsedMs >= one.lastUsedMs)).toBe(true);
      expect(overCeiling(hot.toReversed(), ceiling)).toEqual(gone);
    }),
  );
});
