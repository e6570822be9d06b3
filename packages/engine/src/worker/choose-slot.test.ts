import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseSlot, type SlotState } from './choose-slot.js';

/** Per slot: `busy`, or free with what it could spare, what it holds, and when it was used last. */
const states = (...slots: readonly ('busy' | readonly [reusable: number, held: number, lastUse: number])[]): SlotState[] =>
  slots.map((one, slot) => (one === 'busy' ? { slot, isFree: false, reusableTokens: 0, heldTokens: 0, lastUse: 0 } : { slot, isFree: true, reusableTokens: one[0], heldTokens: one[1], lastUse: one[2] }));

describe('chooseSlot', () => {
  test.each([
    ['the lowest of those that are as new', states([0, 0, 0], [0, 0, 0]), 0],
    ['none when all are taken', states('busy', 'busy'), null],
    ['the longest beginning, wherever it is', states([0, 0, 0], [128, 128, 1], 'busy', [256, 384, 2]), 3],
    ['of two that spare as much the one that loses less', states([128, 256, 1], [128, 128, 2]), 1],
    ['a taken slot spares nothing', states('busy', [0, 0, 0]), 1],
    ['what would lose more than it spares is left alone', states([128, 1_024, 1], [0, 0, 0]), 1],
    ['half of what is held is enough', states([128, 256, 1], [0, 0, 0]), 0],
    ['an empty one before one that holds something', states([0, 512, 1], [0, 0, 0], [0, 0, 0]), 1],
    ['where all hold something, the one that rested longest', states([0, 128, 7], [0, 4_096, 3], [0, 128, 5]), 1],
    ['next to those that are active, though it was used later', states([0, 128, 1], 'busy', [0, 128, 2], [0, 128, 1]), 0],
    ['a hole between the active ones first', states([0, 0, 0], 'busy', [0, 512, 9], 'busy'), 2],
  ])('C-160 %s', (_, slots, chosen) => {
    expect(chooseSlot(slots)).toBe(chosen);
  });

  test('C-132 C-160 some free slot whenever there is one, and never a taken one', () => {
    const state = fc.option(fc.tuple(fc.nat(8), fc.nat(16), fc.nat(9)), { nil: 'busy' as const });
    fc.assert(
      fc.property(fc.array(state, { maxLength: 8 }), (drawn) => {
        const slots = states(...drawn);
        const chosen = chooseSlot(slots);
        expect(chosen === null).toBe(slots.every(({ isFree }) => !isFree));
        if (chosen !== null) expect(slots[chosen]?.isFree).toBe(true);
      }),
    );
  });
});
