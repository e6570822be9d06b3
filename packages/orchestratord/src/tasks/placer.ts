import { ApiError, type ReplicaStatus } from '@corral/contracts';
import { decide, type PlacementDecision, type PlacementInput, type PoolSnapshot } from '@corral/orchestrator-core';
import { backoffMs, type BackoffPolicy, type Clock } from '@corral/service-kit';
import type { Leases } from './leases.js';
import { refusalOf } from './placement-refusal.js';
import { jobOf, snapshotOf, type SnapshotContext } from './placement-snapshot.js';
import type { Task } from './task.js';
import type { Residency } from '../assignments/residency.js';
import type { ModelsPort, PoolsPort } from './task-ports.js';

export interface PlacerParts {
  readonly pools: PoolsPort;
  readonly residency: Residency;
  readonly models: ModelsPort;
  readonly leases: Leases;
  readonly clock: Clock;
  readonly maxSnapshotAgeMs: number;
  keyOf(replica: ReplicaStatus): string;
  onDecision(task: Task, phase: PlacementInput['phase'], decision: PlacementDecision): void;
}

/** A replica that could not take a task is left alone so long: its node frees a slot, or will say soon what has become of it. */
const HOLD: BackoffPolicy = { initialMs: 50, maxMs: 2_000 };
/** One that nobody has asked for so long begins anew. */
const HOLD_FORGET_MS = 60_000;

interface Held {
  readonly untilMs: number;
  /** In a row. */
  readonly times: number;
}

/** Where a task can start. */
export interface ReplicaPlace {
  readonly nodeId: string;
  readonly poolId: string;
  readonly replicaId: string;
}

/** Gathers what `decide` reads and acts on its answer; no task finds its pool in any other way. [A-01 A-03] */
export class Placer {
  readonly #held = new Map<string, Held>();

  constructor(private readonly parts: PlacerParts) {}

  /** The pool whose queue the task may wait in; throws the refusal where there is none. */
  admit(task: Task): string {
    const decision = this.#decide('admission', task, this.snapshots());
    if (decision.kind === 'assigned') return decision.poolId;
    const need = this.parts.models.memoryNeed(task.target.model);
    throw refusalOf(decision, {
      modelId: task.target.model.model_id,
      neededBytes: need === null ? null : need.weightsBytes + need.contextBytes,
      pools: this.parts.pools.pools().map((view) => view.status),
    });
  }

  /** Where a waiting task's pool went away: the pool it should wait in instead, `null` to stay. [G-06] */
  replace(task: Task): string | null {
    const decision = this.#decide('admission', task, this.snapshots());
    return decision.kind === 'assigned' ? decision.poolId : null;
  }

  /** The replica that can start the task at once, if any. Asked often, so only an answer is reported. */
  dispatch(task: Task, pools: readonly PoolSnapshot[]): ReplicaPlace | null {
    const decision = decide(this.#input('dispatch', task, pools));
    if (decision.kind !== 'assigned' || decision.replicaId === null) return null;
    this.parts.onDecision(task, 'dispatch', decision);
    const { nodeId, poolId, replicaId } = decision;
    return { nodeId, poolId, replicaId };
  }

  /** What makes waiting pointless: the model cannot fit, or has just failed. */
  hopeless(task: Task): ApiError | null {
    const status = this.parts.residency.statusOf(task.target.modelKey);
    if (status.state === 'impossible') return new ApiError('POOL_UNAVAILABLE', status.message, { retry_after_ms: Math.max(1_000, status.retryAfterMs) });
    if (status.state === 'failed' && status.retryAfterMs > 0) return new ApiError('MODEL_NOT_AVAILABLE', status.message, { retry_after_ms: status.retryAfterMs });
    return null;
  }

  /** Leaves a replica alone for a while, longer each time in a row. Returns milliseconds. */
  hold(replicaId: string): number {
    const nowMs = this.parts.clock.monotonicMs();
    for (const [id, { untilMs }] of this.#held) if (untilMs + HOLD_FORGET_MS <= nowMs) this.#held.delete(id);
    const times = (this.#held.get(replicaId)?.times ?? 0) + 1;
    const holdMs = backoffMs(times, HOLD);
    this.#held.set(replicaId, { times, untilMs: nowMs + holdMs });
    return holdMs;
  }

  /** It works: what it could not take before no longer counts. */
  works(replicaId: string): void {
    this.#held.delete(replicaId);
  }

  snapshots(): readonly PoolSnapshot[] {
    const nowMs = this.parts.clock.monotonicMs();
    const context: SnapshotContext = {
      leasesOf: (replicaId) => this.parts.leases.ofReplica(replicaId),
      accepts: (replicaId) => !this.parts.residency.isYielding(replicaId) && (this.#held.get(replicaId)?.untilMs ?? 0) <= nowMs,
      keyOf: (replica) => this.parts.keyOf(replica),
    };
    return this.parts.pools.pools().map((view) => snapshotOf(view, context));
  }

  #decide(phase: PlacementInput['phase'], task: Task, pools: readonly PoolSnapshot[]): PlacementDecision {
    const decision = decide(this.#input(phase, task, pools));
    this.parts.onDecision(task, phase, decision);
    return decision;
  }

  #input(phase: PlacementInput['phase'], task: Task, pools: readonly PoolSnapshot[]) {
    const job = jobOf(task, this.parts.models.memoryNeed(task.target.model));
    return { phase, job, pools, maxSnapshotAgeMs: this.parts.maxSnapshotAgeMs, pinningAllowed: true };
  }
}
