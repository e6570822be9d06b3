import { chooseYields, type Shortfall } from './choose-yields.js';
import { loadCost, usableBytesOf, type PoolLoad } from './load-cost.js';
import type { ResidencyInput, ResidencyNode, ResidencyPool, ResidencyReplica, WantedModel } from './residency-input.js';
import type { Blocker, Holder, LoadCost } from './residency-plan.js';
import { protectionOf, stays, yieldsInMs } from './yield-rules.js';

/** A way to make the model resident in one pool, at once or after a wait. */
export interface PoolOption extends PoolLoad {
  readonly outcome: 'load' | 'wait';
  /** Empty for `load`. */
  readonly blockedBy: readonly Blocker[];
  /** Until its node, which had no room for it a moment ago, is asked again; 0 = at once. */
  readonly refusedMs: number;
  readonly cost: LoadCost;
}

/** What one pool can do for the wanted model. */
export type PoolAssessment =
  | PoolOption
  | { readonly outcome: 'size_unknown'; readonly pool: ResidencyPool; readonly node: ResidencyNode }
  | { readonly outcome: 'held'; readonly holders: readonly Holder[] }
  | { readonly outcome: 'too_large' }
  | { readonly outcome: 'weights_unavailable' };

/** Finds the cheapest way to hold the wanted model in this pool, apart from all others. */
export function assessPool(input: ResidencyInput, pool: ResidencyPool): PoolAssessment {
  const { wanted, policy } = input;
  const node = input.nodes.find(({ nodeId }) => nodeId === pool.nodeId);
  if (node === undefined || (node.weights === 'absent' && !node.canFetch)) return { outcome: 'weights_unavailable' };
  const needBytes = needIn(wanted, pool);
  if (needBytes === null) return { outcome: 'size_unknown', pool, node };
  if (needBytes > usableBytesOf(pool)) return { outcome: 'too_large' };

  const refusedMs = Math.max(0, wanted.refusedIn?.get(pool.poolId) ?? 0);
  const shortfall = shortfallOf(pool, needBytes);
  const mayYield = pool.replicas.filter((replica) => stays(replica) && protectionOf(replica, wanted) === null);
  const option = (yields: readonly ResidencyReplica[], blockedBy: readonly Blocker[]): PoolOption => {
    const load = { pool, node, needBytes, yields };
    const waitMs = Math.max(refusedMs, ...blockedBy.map(({ untilMs }) => untilMs));
    return { ...load, outcome: waitMs === 0 ? 'load' : 'wait', blockedBy, refusedMs, cost: loadCost(wanted, load, waitMs) };
  };

  for (const momentMs of momentsOf(mayYield, input)) {
    const yields = chooseYields(
      mayYield.filter((replica) => yieldsInMs(replica, policy, wanted) <= momentMs),
      shortfall,
    );
    if (yields !== null) return option(yields, blockersAmong(yields, input));
  }
  return { outcome: 'held', holders: holdersIn(pool, wanted) };
}

/** What the wanted model takes in this pool; `null` when that is not known yet. */
export function needIn({ needBytes, needBytesIn }: WantedModel, { poolId }: ResidencyPool): number | null {
  const here = needBytesIn?.get(poolId);
  return here === undefined ? needBytes : here;
}

/** What is missing once everything that drains is gone and everything that was ordered is there. */
function shortfallOf(pool: ResidencyPool, needBytes: number): Shortfall {
  const staying = pool.replicas.filter(stays);
  const takenBytes = staying.reduce((sum, { bytes }) => sum + bytes, 0);
  return { bytes: takenBytes + needBytes - usableBytesOf(pool), replicas: staying.length + 1 - (pool.replicasMax ?? Infinity) };
}

/** Now, and each moment at which one more replica may yield. */
function momentsOf(mayYield: readonly ResidencyReplica[], { policy, wanted }: ResidencyInput): readonly number[] {
  return [...new Set([0, ...mayYield.map((replica) => yieldsInMs(replica, policy, wanted))])].sort((a, b) => a - b);
}

function blockersAmong(yields: readonly ResidencyReplica[], { policy, wanted }: ResidencyInput): readonly Blocker[] {
  return yields.flatMap((replica): Blocker[] => {
    const { replicaId, modelKey, state } = replica;
    const untilMs = yieldsInMs(replica, policy, wanted);
    return untilMs === 0 ? [] : [{ replicaId, modelKey, because: state === 'resident' ? 'quantum' : 'loading', untilMs }];
  });
}

function holdersIn(pool: ResidencyPool, wanted: WantedModel): readonly Holder[] {
  return pool.replicas.filter(stays).flatMap((replica): Holder[] => {
    const because = protectionOf(replica, wanted);
    return because === null ? [] : [{ replicaId: replica.replicaId, poolId: pool.poolId, because }];
  });
}
