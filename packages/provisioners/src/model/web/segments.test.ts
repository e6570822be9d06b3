import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { missingRanges } from './byte-ranges.js';
import { Segments } from './segments.js';
import type { Segment } from './segments.js';

test('D-53 the second connection takes over half of what the first has before it', () => {
  const segments = new Segments([{ start: 0, end: 100 }], 10);
  const first = segments.take();
  if (first) first.at = 20;
  expect([segments.take(), first]).toEqual([
    { at: 60, end: 100 },
    { at: 20, end: 60 },
  ]);
});

test('D-53 too little is not divided, and what was not brought is open again', () => {
  const segments = new Segments([{ start: 0, end: 19 }], 10);
  const first = segments.take() as Segment;
  expect(segments.take()).toBeNull();
  first.at = 5;
  segments.release(first);
  segments.release(first);
  expect([segments.take(), segments.take()]).toEqual([{ at: 5, end: 19 }, null]);
});

test('D-53 whatever the connections do, each byte is brought once and none is left', () => {
  const step = fc.record({ who: fc.nat(3), what: fc.constantFrom('take', 'bring', 'release'), bytes: fc.integer({ min: 1, max: 30 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const brought = new Uint8Array(200);
      const segments = new Segments(missingRanges([{ start: 50, end: 70 }], 200), 8);
      const held: (Segment | null)[] = [null, null, null, null];
      const bring = (segment: Segment, bytes: number) => {
        const end = Math.min(segment.end, segment.at + bytes);
        for (; segment.at < end; segment.at += 1) brought[segment.at] = (brought[segment.at] ?? 0) + 1;
      };
      for (const { who, what, bytes } of steps) {
        const mine = held[who] ?? null;
        if (what === 'take' && mine === null) held[who] = segments.take();
        else if (what === 'bring' && mine !== null) bring(mine, bytes);
        else if (what === 'release' && mine !== null) {
          segments.release(mine);
          held[who] = null;
        }
      }
      for (const mine of held) if (mine !== null) segments.release(mine);
      for (let mine = segments.take(); mine !== null; mine = segments.take()) bring(mine, 1_000);
      expect([...brought]).toEqual(Array.from({ length: 200 }, (_, n) => (n >= 50 && n < 70 ? 0 : 1)));
    }),
    { seed: 53 },
  );
});
