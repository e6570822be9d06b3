import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aHeld } from '../../test/residency-builders.js';
import { chooseYields } from './choose-yields.js';
import type { ResidencyReplica } from './residency-input.js';
import { compareForYield, LOSSES, lossOf } from './yield-rules.js';

const anyCandidates = fc.uniqueArray(
  fc.record({
    replicaId: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    bytes: fc.nat(6),
    tier: fc.constantFrom('hot' as const, 'warm' as const, 'demand' as const),
    leases: fc.nat(1),
    queued: fc.nat(1),
    idleMs: fc.nat(3),
    servingMs: fc.nat(2),
  }),
  { selector: ({ replicaId }) => replicaId, maxLength: 8 },
);
const anyShortfall = fc.record({ bytes: fc.integer({ min: -2, max: 25 }), replicas: fc.integer({ min: -2, max: 4 }) });

const subsets = <T>(items: readonly T[]): T[][] => items.reduce<T[][]>((all, item) => [...all, ...all.map((set) => [...set, item])], [[]]);

/** Every set that covers the shortfall, compared by losses (worst first) and then by who would go first. */
function oracle(candidates: readonly ResidencyReplica[], shortfall: { bytes: number; replicas: number }): readonly string[] | null {
  const covering = subsets(candidates).filter(
    (set) => set.length >= shortfall.replicas && set.reduce((sum, { bytes }) => sum + bytes, 0) >= shortfall.bytes,
  );
  const groups = Array.from({ length: LOSSES }, (_, n) => LOSSES - 1 - n);
  const counts = (set: readonly ResidencyReplica[]): number[] =>
    groups.map((loss) => set.filter((replica) => lossOf(replica) === loss).length);
  const turns = (set: readonly ResidencyReplica[]): number[] =>
    groups.flatMap((loss) => {
      const turn = candidates.filter((replica) => lossOf(replica) === loss).sort(compareForYield);
      return turn.map((replica) => (set.includes(replica) ? 0 : 1));
    });
  const key = (set: readonly ResidencyReplica[]): number[] => [...counts(set), ...turns(set)];
  const best = covering.sort((a, b) => {
    const [left, right] = [key(a), key(b)];
    const differing = left.findIndex((value, n) => value !== right[n]);
    return differing === -1 ? 0 : (left[differing] ?? 0) - (right[differing] ?? 0);
  })[0];
  return best === undefined ? null : best.map(({ replicaId }) => replicaId).sort();
}

describe('chooseYields, properties', () => {
  test('G-21 agrees with trying every set: least loss, then whose turn it is', () => {
    fc.assert(
      fc.property(anyCandidates, anyShortfall, (given, shortfall) => {
        const candidates = given.map((replica) => aHeld(replica.replicaId, replica));
        const chosen = chooseYields(candidates, shortfall);
        expect(chosen === null ? null : chosen.map(({ replicaId }) => replicaId).sort()).toEqual(oracle(candidates, shortfall));
      }),
      { numRuns: 1_000 },
    );
  });

  test('G-21 the order of candidates changes nothing, not even the order of the answer', () => {
    fc.assert(
      fc.property(anyCandidates, anyShortfall, (given, shortfall) => {
        const candidates = given.map((replica) => aHeld(replica.replicaId, replica));
        expect(chooseYields(candidates.toReversed(), shortfall)).toEqual(chooseYields(candidates, shortfall));
      }),
    );
  });
});
