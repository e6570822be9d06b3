import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addRange, coveredBytes, missingRanges } from './byte-ranges.js';
import type { ByteRange } from './byte-ranges.js';

const SIZE = 40;
const range = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]): ByteRange => ({ start: Math.min(a, b), end: Math.max(a, b) }));

test('D-51 ranges are sorted and separate, and know each byte once, whatever the order they came in', () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), (added) => {
      const known = Array.from({ length: SIZE }, (_, n) => added.some(({ start, end }) => start <= n && n < end));
      const ranges = added.reduce<readonly ByteRange[]>(addRange, []);
      for (const [n, { start }] of ranges.entries()) expect(start).toBeGreaterThan(ranges[n - 1]?.end ?? -1);
      const holds = (list: readonly ByteRange[]) => known.map((_, n) => list.some(({ start, end }) => start <= n && n < end));
      expect(holds(ranges)).toEqual(known);
      expect(holds(missingRanges(ranges, SIZE))).toEqual(known.map((is) => !is));
      expect(coveredBytes(ranges)).toBe(known.filter(Boolean).length);
    }),
    { seed: 51 },
  );
});
