import type { Priority } from '../admission/priority.js';
import type { LoadSource, Tier, WeightsAt } from './residency-input.js';

/** A replica that makes room. `drain`: no new work, its requests end, then it goes; `drop`: nothing runs on it. */
export interface Yield {
  readonly replicaId: string;
  readonly modelKey: string;
  readonly mode: 'drop' | 'drain';
  /** Idle, by tier; or busy, for a whole quantum while others waited or because an operator asks for its place. */
  readonly reason: 'idle_demand' | 'idle' | 'idle_hot' | 'quantum_over' | 'asked';
  readonly bytes: number;
}

/** One step of a load, in order. `replicaId` is the one that goes, `null` for the load itself. */
export interface LoadStep {
  readonly kind: 'drop' | 'drain' | 'load';
  readonly replicaId: string | null;
  readonly bytes: number;
  readonly estimatedMs: number;
}

/** What a load costs everyone, in milliseconds; `totalMs` is the sum. */
export interface LoadCost {
  /** What the node does first. */
  readonly queueMs: number;
  /** Until something may yield. */
  readonly waitMs: number;
  /** Until running requests on what yields have ended. */
  readonly drainMs: number;
  /** Network to disk. */
  readonly fetchMs: number;
  /** Nearest tier to device. */
  readonly loadMs: number;
  /** Reloading what yields: once for its next user and once for every task that waits for it. */
  readonly yieldMs: number;
  readonly totalMs: number;
}

/** Why this pool, and what was weighed: one log line. */
export interface PlanReasons {
  readonly asked: { readonly tier: Tier; readonly source: LoadSource; readonly priority: Priority; readonly waitingMs: number };
  readonly needBytes: number;
  /** Free before anything yields; negative while ordered loads wait for memory that drains. */
  readonly freeBytes: number;
  readonly weights: WeightsAt;
  readonly cost: LoadCost;
  readonly poolsConsidered: number;
  readonly runnerUp: { readonly poolId: string; readonly outcome: 'load' | 'wait'; readonly totalMs: number } | null;
}

/** Who stands in the way, and for how long at most before it is worth asking again. */
export interface Blocker {
  readonly replicaId: string;
  readonly modelKey: string;
  readonly because: 'quantum' | 'loading';
  readonly untilMs: number;
}

/** A replica that never yields to this model. */
export interface Holder {
  readonly replicaId: string;
  readonly poolId: string;
  readonly because: 'pinned' | 'hot';
}

/**
 * Why a model can be resident nowhere, nearest miss first: protected replicas hold the room, no pool is large enough,
 * no node has the weights or can fetch them, no pool may take it.
 */
export type ImpossibleReason = 'held' | 'too_large' | 'weights_unavailable' | 'no_pool';

/** The answer of `planResidency`. */
export type ResidencyPlan =
  | {
      readonly kind: 'already';
      readonly poolId: string;
      readonly nodeId: string;
      readonly replicaId: string;
      readonly state: 'waiting' | 'loading' | 'resident';
    }
  | {
      /** Bring the weights to the node's disk, hold no device memory for it, then plan again. */
      readonly kind: 'fetch';
      readonly poolId: string;
      readonly nodeId: string;
      readonly because: 'size_unknown' | 'weights_absent';
      /** `null` when the size of the file is not known. */
      readonly bytes: number | null;
      readonly estimatedMs: number | null;
      readonly poolsConsidered: number;
    }
  | {
      readonly kind: 'load';
      readonly poolId: string;
      readonly nodeId: string;
      readonly yields: readonly Yield[];
      readonly steps: readonly LoadStep[];
      readonly costMs: number;
      readonly why: PlanReasons;
    }
  | {
      /** Ask again when anything changes, and after `untilMs` at the latest. */
      readonly kind: 'wait';
      readonly poolId: string;
      readonly nodeId: string;
      readonly untilMs: number;
      /** `turn`: the pool is kept for an older model that waits for it. `room`: its node had none a moment ago, though there should be some. */
      readonly reason: Blocker['because'] | 'turn' | 'room';
      readonly blockedBy: readonly Blocker[];
      readonly why: PlanReasons;
    }
  | {
      readonly kind: 'impossible';
      readonly reason: ImpossibleReason;
      readonly neededBytes: number | null;
      /** Memory that replicas can have in the largest pool; 0 without any pool. */
      readonly largestPoolBytes: number;
      readonly heldBy: readonly Holder[];
      readonly poolsConsidered: number;
    };
