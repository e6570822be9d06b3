import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FrameCounter } from './frame-counter.js';

/** What it must agree with: the whole text at once. */
const framesIn = (text: string): number => text.match(/\n\n/g)?.length ?? 0;

test('B-64 frames are counted the same however the bytes are cut', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('\n', '\n\n', 'a', 'data: ä', ''), { maxLength: 40 }),
      fc.array(fc.nat(60), { maxLength: 12 }),
      (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(''));
        const counter = new FrameCounter();
        const borders = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).toSorted((a, b) => a - b), bytes.length];
        borders.slice(1).forEach((end, n) => counter.add(bytes.subarray(borders[n], end)));
        expect(counter.frames).toBe(framesIn(bytes.toString()));
      },
    ),
  );
});

test('B-65 a boundary is where no event is unfinished', () => {
  const counter = new FrameCounter();
  const states = ['', 'data: 1\n\n', 'da', 'ta: 2\n', '\n', 'x'].map((text) => {
    counter.add(Buffer.from(text));
    return counter.atBoundary;
  });
  expect(states).toEqual([true, true, false, false, true, false]);
});
