import { PRIORITIES } from '../admission/priority.js';
import { compareText } from '../compare-text.js';
import { needIn } from './assess-pool.js';
import { findReplica, planResidency } from './plan-residency.js';
import type {
  ResidencyInput,
  ResidencyNode,
  ResidencyPolicy,
  ResidencyPool,
  ResidencyReplica,
  WantedModel,
  Waiter,
} from './residency-input.js';
import type { ResidencyPlan } from './residency-plan.js';

/** A model that waits, with the nodes as places to load it from. */
export interface WaitingModel {
  readonly wanted: WantedModel;
  readonly nodes: readonly ResidencyNode[];
}

/** Of models that want the same room, the one whose turn it is: interactive first, then the oldest; `null` for none. */
export function oldestWaiter<T extends Waiter>(waiters: readonly T[]): T | null {
  return waiters.toSorted(compareWaiters)[0] ?? null;
}

/**
 * Plans every waiting model, oldest first, against what the plans before it leave.
 *
 * Room that an older model was promised is taken, replicas that yield to it drain, and the pool that it waits for takes
 * no load of a younger one: small models cannot keep slipping in before a large one. A younger one that has nowhere
 * else to go waits with reason `turn`. One that its node refused for want of room holds up nobody meanwhile. Apply all plans or none. [G-21]
 */
export function planWaiters(
  waiting: readonly WaitingModel[],
  pools: readonly ResidencyPool[],
  policy: ResidencyPolicy,
): readonly { readonly wanted: WantedModel; readonly plan: ResidencyPlan }[] {
  const reserved = new Map<string, WaitPlan>();
  let after = pools;
  return waiting
    .toSorted((a, b) => compareWaiters(a.wanted, b.wanted))
    .map(({ wanted, nodes }) => {
      const plan = planInTurn({ wanted, pools: after, nodes, policy }, reserved);
      if (plan.kind === 'wait' && plan.reason !== 'room' && !reserved.has(plan.poolId)) reserved.set(plan.poolId, plan);
      if (plan.kind === 'load') after = after.map((pool) => (pool.poolId === plan.poolId ? withLoad(pool, wanted, plan) : pool));
      return { wanted, plan };
    });
}

type WaitPlan = Extract<ResidencyPlan, { kind: 'wait' }>;

function planInTurn(input: ResidencyInput, reserved: ReadonlyMap<string, WaitPlan>): ResidencyPlan {
  const { wanted, pools } = input;
  const allowed = pools.filter(({ poolId }) => wanted.poolIds?.has(poolId) ?? true);
  const already = findReplica(wanted.modelKey, allowed);
  if (already !== null) return already;

  const plan = planResidency({ ...input, pools: allowed.filter(({ poolId }) => !reserved.has(poolId)) });
  if (plan.kind !== 'impossible') return plan;
  const outOfTurn = planResidency(input);
  if (outOfTurn.kind !== 'load' && outOfTurn.kind !== 'wait') return outOfTurn;
  const { poolId, nodeId, why } = outOfTurn;
  return { kind: 'wait', poolId, nodeId, untilMs: reserved.get(poolId)?.untilMs ?? 0, reason: 'turn', blockedBy: [], why };
}

/** The pool as it is once the load is ordered: its bytes are promised, and those that yield drain. */
function withLoad(pool: ResidencyPool, wanted: WantedModel, { yields }: Extract<ResidencyPlan, { kind: 'load' }>): ResidencyPool {
  const leaving = new Set(yields.map(({ replicaId }) => replicaId));
  const ordered: ResidencyReplica = {
    replicaId: `${pool.poolId}:${wanted.modelKey}`,
    modelKey: wanted.modelKey,
    bytes: needIn(wanted, pool) ?? 0,
    state: 'waiting',
    leases: 0,
    queued: 1,
    tier: wanted.tier,
    pinned: false,
    servingMs: 0,
    idleMs: 0,
    drainEstimateMs: 0,
  };
  const replicas = pool.replicas.map((replica) => (leaving.has(replica.replicaId) ? { ...replica, state: 'draining' as const } : replica));
  return { ...pool, replicas: [...replicas, ordered] };
}

function compareWaiters(a: Waiter, b: Waiter): number {
  return (
    PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || a.arrivalSeq - b.arrivalSeq || compareText(a.modelKey, b.modelKey)
  );
}
