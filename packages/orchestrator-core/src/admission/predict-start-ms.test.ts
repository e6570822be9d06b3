import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { predictStartMs, type StartHints } from './predict-start-ms.js';

const MEASURED: StartHints = { slotsTotal: 4, slotsFree: 0, tokensPerS: 50, tokensPerTask: 90, firstTokenMs: 200 };

test.each<[title: string, ahead: number, hints: StartHints, startMs: number]>([
  ['without hints every place costs 100 ms', 3, {}, 300],
  ['without hints the first starts when the model is ready', 0, { readyInMs: 1_500 }, 1_500],
  ['a speed without a length of task is no hint', 2, { slotsTotal: 4, tokensPerS: 50 }, 200],
  ['slots of which none are known are no hint', 2, { ...MEASURED, slotsTotal: 0 }, 200],
  ['a speed of zero is no hint', 2, { ...MEASURED, tokensPerS: 0 }, 200],
  ['with hints a task waits for its share of the throughput', 0, MEASURED, 500],
  ['and for the shares of those ahead', 3, MEASURED, 2_000],
  ['tasks that find a free slot start at once', 1, { ...MEASURED, slotsFree: 2 }, 0],
  ['the first that finds none waits', 2, { ...MEASURED, slotsFree: 2 }, 500],
  ['more than a day is a day', 9, { ...MEASURED, tokensPerS: 0.001 }, 86_400_000],
  ['the load comes on top', 0, { ...MEASURED, readyInMs: 250.5 }, 751],
])('A-78 %s', (_, ahead, hints, startMs) => {
  expect(predictStartMs(ahead, hints)).toBe(startMs);
});

test('A-78 the prediction never falls with the position', () => {
  const anyHint = fc.option(fc.double({ min: -10, max: 1_000, noNaN: true }), { nil: undefined });
  const anyHints = fc.record({
    slotsTotal: anyHint,
    slotsFree: anyHint,
    tokensPerS: anyHint,
    tokensPerTask: anyHint,
    firstTokenMs: anyHint,
    readyInMs: anyHint,
  });
  fc.assert(
    fc.property(anyHints, fc.nat(1_000), fc.nat(1_000), (hints, ahead, more) => {
      const startMs = predictStartMs(ahead, hints);
      expect(Number.isInteger(startMs) && startMs >= 0).toBe(true);
      expect(predictStartMs(ahead + more, hints)).toBeGreaterThanOrEqual(startMs);
    }),
  );
});
