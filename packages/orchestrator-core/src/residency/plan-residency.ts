import { compareText } from '../compare-text.js';
import { assessPool, type PoolAssessment, type PoolOption } from './assess-pool.js';
import { freeBytesOf, loadSteps, movedBytes, moveMs, usableBytesOf } from './load-cost.js';
import type { ResidencyInput, ResidencyPool, WantedModel } from './residency-input.js';
import type { ImpossibleReason, PlanReasons, ResidencyPlan } from './residency-plan.js';
import { toYield } from './yield-rules.js';

/**
 * Plans where a model becomes resident and who makes room for it.
 *
 * A replica that serves or loads it already is the answer. Else every pool is assessed on its own (least loss first,
 * never a pinned replica, never a hot one for a weaker wish, a busy one only after its quantum), and the pool with the
 * smallest cost in milliseconds is planned (the soonest, once the model has waited a whole quantum): a load, a wait, or
 * first a fetch where its node lacks the weights. Where nothing is possible the nearest miss is named. Pure; independent of the order of pools, replicas and nodes. [G-20 G-21]
 */
export function planResidency(input: ResidencyInput): ResidencyPlan {
  const { wanted } = input;
  const pools = input.pools.filter((pool) => (wanted.poolIds?.has(pool.poolId) ?? true) && pool.replicasMax !== 0);
  const already = findReplica(wanted.modelKey, pools);
  if (already !== null) return already;

  const assessments = pools.map((pool) => assessPool(input, pool));
  const [best, runnerUp] = assessments.filter(isOption).sort(optionOrder(input));
  if (best !== undefined) return planOf(wanted, best, runnerUp, pools.length);
  return fetchToLearnSize(wanted, assessments) ?? impossible(wanted, pools, assessments);
}

/** The replica that serves the model, or that will soonest, or `null`. */
export function findReplica(modelKey: string, pools: readonly ResidencyPool[]): Extract<ResidencyPlan, { kind: 'already' }> | null {
  const states = ['resident', 'loading', 'waiting'] as const;
  for (const state of states) {
    for (const { poolId, nodeId, replicas } of pools.toSorted(comparePools)) {
      const ids = replicas.filter((replica) => replica.modelKey === modelKey && replica.state === state).map(({ replicaId }) => replicaId);
      const replicaId = ids.sort()[0];
      if (replicaId !== undefined) return { kind: 'already', poolId, nodeId, replicaId, state };
    }
  }
  return null;
}

function planOf(wanted: WantedModel, best: PoolOption, runnerUp: PoolOption | undefined, poolsConsidered: number): ResidencyPlan {
  const { pool, node, needBytes, cost } = best;
  const { poolId, nodeId } = pool;
  if (node.weights === 'absent') {
    const bytes = movedBytes(wanted, needBytes);
    return { kind: 'fetch', poolId, nodeId, because: 'weights_absent', bytes, estimatedMs: cost.fetchMs, poolsConsidered };
  }
  const why: PlanReasons = {
    asked: { tier: wanted.tier, source: wanted.source, priority: wanted.priority, waitingMs: wanted.waitingMs },
    needBytes,
    freeBytes: freeBytesOf(pool),
    weights: node.weights,
    cost,
    poolsConsidered,
    runnerUp: runnerUp === undefined ? null : { poolId: runnerUp.pool.poolId, outcome: runnerUp.outcome, totalMs: runnerUp.cost.totalMs },
  };
  const last = best.blockedBy.toSorted((a, b) => b.untilMs - a.untilMs)[0];
  if (best.refusedMs > (last?.untilMs ?? 0))
    return { kind: 'wait', poolId, nodeId, untilMs: best.refusedMs, reason: 'room', blockedBy: best.blockedBy, why };
  if (last !== undefined)
    return { kind: 'wait', poolId, nodeId, untilMs: last.untilMs, reason: last.because, blockedBy: best.blockedBy, why };
  return { kind: 'load', poolId, nodeId, yields: best.yields.map((replica) => toYield(replica, wanted)), steps: loadSteps(wanted, best), costMs: cost.totalMs, why };
}

/**
 * A model of unknown size goes first to where its weights are; then, among the pools that are at least half as large as
 * the largest, to the one with the most free memory: where it is learnt is where it is loaded most cheaply, so models
 * that come one after the other spread over the nodes instead of driving each other out. [DESIGN 10.2]
 */
function fetchToLearnSize(wanted: WantedModel, assessments: readonly PoolAssessment[]): ResidencyPlan | null {
  const unknown = assessments.flatMap((assessment) => (assessment.outcome === 'size_unknown' ? [assessment] : []));
  const missing = (weights: string): number => (weights === 'absent' ? 1 : 0);
  const largestBytes = Math.max(0, ...unknown.map(({ pool }) => usableBytesOf(pool)));
  const small = (pool: ResidencyPool): number => (usableBytesOf(pool) * 2 < largestBytes ? 1 : 0);
  const target = unknown.sort(
    (a, b) =>
      missing(a.node.weights) - missing(b.node.weights) ||
      small(a.pool) - small(b.pool) ||
      freeBytesOf(b.pool) - freeBytesOf(a.pool) ||
      usableBytesOf(b.pool) - usableBytesOf(a.pool) ||
      comparePools(a.pool, b.pool),
  )[0];
  if (target === undefined) return null;

  const { pool, node } = target;
  const bytes = node.weights === 'absent' ? wanted.weightsBytes : 0;
  const estimatedMs = bytes === null ? null : moveMs(bytes, node.bytesPerS.network);
  return {
    kind: 'fetch',
    poolId: pool.poolId,
    nodeId: pool.nodeId,
    because: 'size_unknown',
    bytes,
    estimatedMs,
    poolsConsidered: assessments.length,
  };
}

function impossible(wanted: WantedModel, pools: readonly ResidencyPool[], assessments: readonly PoolAssessment[]): ResidencyPlan {
  const reasons: readonly ImpossibleReason[] = ['held', 'too_large', 'weights_unavailable'];
  const heldBy = assessments.flatMap((assessment) => (assessment.outcome === 'held' ? assessment.holders : []));
  return {
    kind: 'impossible',
    reason: reasons.find((reason) => assessments.some(({ outcome }) => outcome === reason)) ?? 'no_pool',
    neededBytes: wanted.needBytes,
    largestPoolBytes: Math.max(0, ...pools.map(usableBytesOf)),
    heldBy: heldBy.toSorted((a, b) => compareText(a.poolId, b.poolId) || compareText(a.replicaId, b.replicaId)),
    poolsConsidered: pools.length,
  };
}

function isOption(assessment: PoolAssessment): assessment is PoolOption {
  return assessment.outcome === 'load' || assessment.outcome === 'wait';
}

/**
 * Cheapest first; what can start at once before what has to wait; then node and pool id.
 *
 * A model that has waited a whole quantum takes what it can have soonest instead. Without that it could chase the
 * cheaper pool for ever, while younger ones take the pool that it has just given up.
 */
function optionOrder({ wanted, policy }: ResidencyInput): (a: PoolOption, b: PoolOption) => number {
  const overdue = wanted.waitingMs >= policy.quantumMs;
  return (a, b) =>
    (overdue ? urgency(a) - urgency(b) || a.cost.waitMs - b.cost.waitMs : 0) ||
    a.cost.totalMs - b.cost.totalMs ||
    a.blockedBy.length - b.blockedBy.length ||
    comparePools(a.pool, b.pool);
}

function urgency({ node, outcome }: PoolOption): number {
  if (node.weights === 'absent') return 2;
  return outcome === 'load' ? 0 : 1;
}

function comparePools(a: ResidencyPool, b: ResidencyPool): number {
  return compareText(a.nodeId, b.nodeId) || compareText(a.poolId, b.poolId);
}
