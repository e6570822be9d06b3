import type { SlotPrefix } from './text-model.js';

export interface SlotState extends SlotPrefix {
  readonly slot: number;
  readonly isFree: boolean;
  /** Grows with each use of any slot; 0 = never used. */
  readonly lastUse: number;
}

/**
 * The free slot for one prompt, `null` when none is free.
 *
 * The one that can spare the prompt most, unless more would be lost than spared: a short beginning that
 * all conversations share must not end the longest of them. Else the one with which the active sequences
 * need the fewest graphs; among those an empty one, then the one that rested longest, then the lowest. [C-160]
 */
export function chooseSlot(slots: readonly SlotState[]): number | null {
  const free = slots.filter(({ isFree }) => isFree);
  const sparing = free.filter(({ reusableTokens, heldTokens }) => reusableTokens > 0 && 2 * reusableTokens >= heldTokens);
  const rank = sparing.length > 0 ? spared : (state: SlotState): Rank => [graphsWith(slots, state.slot), state.heldTokens === 0 ? 0 : state.lastUse, state.slot];
  const [best] = (sparing.length > 0 ? sparing : free).toSorted((a, b) => compare(rank(a), rank(b)));
  return best?.slot ?? null;
}

type Rank = readonly [number, number, number];

function spared({ reusableTokens, heldTokens, slot }: SlotState): Rank {
  return [-reusableTokens, heldTokens, slot];
}

function compare(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** Runs of neighbouring active slots, each of which is a graph of its own, were `slot` active too. */
function graphsWith(slots: readonly SlotState[], slot: number): number {
  const isActive = (state: SlotState | undefined): boolean => state !== undefined && (!state.isFree || state.slot === slot);
  return slots.filter((state, n) => isActive(state) && !isActive(slots[n - 1])).length;
}
