import { FILTERS } from './filters.js';
import type { DecisionLog } from './placement-decision.js';
import type { Candidate, PlacementInput, PoolSnapshot } from './placement-input.js';

/** What is left of the pools after the filters, and what became of the others. */
export interface Screening {
  readonly considered: number;
  readonly feasiblePools: number;
  readonly candidates: readonly Candidate[];
  /** Pools that hold the model and lack at most a free slot: the replica set of A-32. */
  readonly holders: readonly PoolSnapshot[];
  readonly removed: DecisionLog['filtersApplied'];
  /** Index in `FILTERS` of the last filter that removed a pool; -1 when none did. */
  readonly lastFilter: number;
}

const FEASIBLE = FILTERS.length;

/** Puts every pool through the filters once. A pool is removed by the filter that its furthest candidate fails. [A-61 A-63] */
export function screenPools(input: PlacementInput): Screening {
  const pools = poolsInQuestion(input);
  const candidates: Candidate[] = [];
  const holders: PoolSnapshot[] = [];
  const removedBy: string[][] = FILTERS.map(() => []);
  let feasiblePools = 0;

  for (const pool of pools) {
    let furthest = -1;
    for (const candidate of candidatesOf(pool, input.job.modelKey)) {
      const failed = firstFailing(candidate, input);
      if (failed === FEASIBLE) candidates.push(candidate);
      if (candidate.replica !== null && (failed === FEASIBLE || FILTERS[failed]?.kind === 'capacity')) holders.push(pool);
      furthest = Math.max(furthest, failed);
    }
    if (furthest === FEASIBLE) feasiblePools += 1;
    else removedBy[furthest]?.push(pool.poolId);
  }

  const removed = FILTERS.flatMap(({ name }, index) => {
    const poolIds = removedBy[index] ?? [];
    return poolIds.length === 0 ? [] : [{ filter: name, poolIds: poolIds.sort() }];
  });
  const lastFilter = removedBy.findLastIndex((poolIds) => poolIds.length > 0);
  return { considered: pools.length, feasiblePools, candidates, holders, removed, lastFilter };
}

/** A pin makes the candidate set exactly the pinned pool. */
function poolsInQuestion({ job, pools }: PlacementInput): readonly PoolSnapshot[] {
  if (job.placement?.mode !== 'pin') return pools;
  return pools.filter((pool) => pool.poolId === job.placement?.pinPoolId);
}

/** Replicas that drain or have failed serve nobody: such a pool counts as one without a replica. */
function candidatesOf(pool: PoolSnapshot, modelKey: string): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (const replica of pool.replicas) {
    if (replica.modelKey === modelKey && replica.state !== 'draining' && replica.state !== 'failed') candidates.push({ pool, replica });
  }
  return candidates.length === 0 ? [{ pool, replica: null }] : candidates;
}

function firstFailing(candidate: Candidate, input: PlacementInput): number {
  for (let index = 0; index < FILTERS.length; index += 1) {
    if (FILTERS[index]?.accepts(candidate, input) === false) return index;
  }
  return FEASIBLE;
}
