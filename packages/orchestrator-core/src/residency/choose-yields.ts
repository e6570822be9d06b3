import type { ResidencyReplica } from './residency-input.js';
import { compareForYield, LOSSES, lossOf } from './yield-rules.js';

/** What a pool lacks for one more replica; 0 or less = nothing. */
export interface Shortfall {
  readonly bytes: number;
  readonly replicas: number;
}

/**
 * Chooses which of `candidates` yield so that the shortfall is covered, or `null` when all together do not cover it.
 *
 * Least loss first: no set that covers it has fewer of the worst loss, then fewer of the next worst, and so on; so no
 * member is superfluous. Among those, the one that would go first by `compareForYield` is in it whenever it can be.
 * Independent of the order of `candidates`.
 */
export function chooseYields(candidates: readonly ResidencyReplica[], shortfall: Shortfall): readonly ResidencyReplica[] | null {
  const byLoss = Array.from({ length: LOSSES }, (_, loss) => candidates.filter((replica) => lossOf(replica) === loss));
  const counts = fewestPerLoss(byLoss, shortfall);
  if (counts === null) return null;

  const chosen: ResidencyReplica[] = [];
  let missingBytes = shortfall.bytes;
  for (let loss = LOSSES - 1; loss >= 0; loss -= 1) {
    const turn = (byLoss[loss] ?? []).toSorted(compareForYield);
    const milderBytes = byLoss.slice(0, loss).reduce((sum, group, milder) => sum + largestBytes(group, counts[milder] ?? 0), 0);
    let open = counts[loss] ?? 0;
    turn.forEach((replica, index) => {
      if (open === 0) return;
      const restBytes = largestBytes(turn.slice(index + 1), open - 1);
      if (replica.bytes + restBytes + milderBytes < missingBytes) return;
      chosen.push(replica);
      missingBytes -= replica.bytes;
      open -= 1;
    });
  }
  return chosen;
}

/** How many of each loss must go, the worst loss decided first, when all that are milder may go too. */
function fewestPerLoss(byLoss: readonly (readonly ResidencyReplica[])[], shortfall: Shortfall): readonly number[] | null {
  const counts = byLoss.map(() => 0);
  let missing = shortfall;
  for (let loss = byLoss.length - 1; loss >= 0; loss -= 1) {
    const group = byLoss[loss] ?? [];
    const milder = byLoss.slice(0, loss).flat();
    const milderBytes = largestBytes(milder, milder.length);
    const count = smallest(
      group.length,
      (n) => largestBytes(group, n) + milderBytes >= missing.bytes && n + milder.length >= missing.replicas,
    );
    if (count === null) return null;
    counts[loss] = count;
    missing = { bytes: missing.bytes - largestBytes(group, count), replicas: missing.replicas - count };
  }
  return counts;
}

function smallest(max: number, suffices: (n: number) => boolean): number | null {
  for (let n = 0; n <= max; n += 1) if (suffices(n)) return n;
  return null;
}

/** Bytes of the `count` largest. */
function largestBytes(replicas: readonly ResidencyReplica[], count: number): number {
  const sizes = replicas.map(({ bytes }) => bytes).sort((a, b) => b - a);
  return sizes.slice(0, count).reduce((sum, bytes) => sum + bytes, 0);
}
