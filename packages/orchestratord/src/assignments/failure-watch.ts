import { modelOn, type AssignmentView } from './assignment-view.js';
import { heldOf, LoadFailures, type LoadFailure } from './load-failures.js';
import { instanceKeyOf } from '../instances/instance-registry.js';
import { RoomRefusals } from './room-refusals.js';
import type { WantedChange } from './wanted-set.js';
import type { WorldLook } from './residency-world.js';

/** A load that ended badly. */
export interface FailedLoad {
  readonly view: AssignmentView;
  /** `null` where the same failure is known already, and where nothing is wrong with the model. */
  readonly failure: LoadFailure | null;
  /** Milliseconds until a node that had no room for it is asked again; `null` where that is not why. [C-264] */
  readonly againMs: number | null;
  /** What is wanted of the instance instead; `null` where what it ran before serves on, which nobody may take away for that. [C-261] */
  readonly change: WantedChange | null;
}

/** An event of a failure may come before the report that shows the breaker. */
const SHOWN_AFTER_MS = 2_000;
const FAILURE_POLICY = { initialMs: 1_000, maxMs: 60_000, forgetAfterMs: 600_000 };

/** Loads that failed: each is noticed once, and keeps its model from being tried again for a while. [J-02] */
export class FailureWatch {
  readonly #failures = new LoadFailures(FAILURE_POLICY);
  readonly refusals = new RoomRefusals();
  readonly #failedGenerations = new Map<string, number>();

  get(modelKey: string): LoadFailure | undefined {
    return this.#failures.get(modelKey);
  }

  blocking(modelKey: string, nowMs: number): LoadFailure | undefined {
    return this.#failures.blocking(modelKey, nowMs);
  }

  /** An operator wants it tried at once; what a node itself holds back stays held. */
  retry(modelKey: string): void {
    if (this.#failures.get(modelKey)?.heldIn === null) this.#failures.clear(modelKey);
    this.refusals.clear(modelKey);
  }

  /** It was loaded. */
  clear(modelKey: string): void {
    this.#failures.clear(modelKey);
    this.refusals.clear(modelKey);
  }

  /** A load that failed is no longer wanted, so that it holds no place. `monotonicMs` is what to add to Unix milliseconds. */
  observe(world: WorldLook, nowMs: number, monotonicMs: number): readonly FailedLoad[] {
    this.#forgetReset(world, nowMs);
    for (const key of this.#failedGenerations.keys()) if (!world.views.some(({ assignment }) => keyOf(assignment) === key)) this.#failedGenerations.delete(key);
    return world.views.flatMap((view): FailedLoad[] => {
      const { assignment, status, place, modelKey } = view;
      const isNews = this.#failedGenerations.get(keyOf(assignment)) !== assignment.generation;
      const held = heldOf(view, monotonicMs);
      if (status?.residency !== 'failed' || assignment.wanted === 'absent' || !isNews || (held === null && status.no_room !== true && world.wasResident(view))) return [];
      this.#failedGenerations.set(keyOf(assignment), assignment.generation);
      const message = status.last_error ?? 'the node does not say why; look at its log';
      const againMs = status.no_room === true ? this.refusals.record(modelKey, assignment.target.pool_id, nowMs) : null;
      const failure = againMs !== null || this.#failures.blocking(modelKey, nowMs)?.message === message ? null : this.#failures.record(modelKey, message, nowMs, held);
      if (status.previous_replica_id !== undefined) return [{ view, failure, againMs, change: null }];
      const { org_id, instance_id, tier, model, target, source } = assignment;
      const isOnDisk = assignment.wanted !== 'on_disk' && modelOn(place, model) !== undefined;
      const change: WantedChange = { instance: { orgId: org_id, instanceId: instance_id, tier }, model, wanted: isOnDisk ? 'on_disk' : 'absent', target: { nodeId: target.node_id, poolId: target.pool_id }, source, reason: againMs === null ? `its load failed: ${message}` : `it waits for room in ${target.pool_id}: ${message}` };
      return [{ view, failure, againMs, change }];
    });
  }

  /** A breaker that was reset, or closed by itself, keeps nobody waiting. */
  #forgetReset(world: WorldLook, nowMs: number): void {
    for (const { modelKey, poolId, failedAtMs } of this.#failures.held()) {
      const pool = world.pools.find((one) => one.poolId === poolId);
      const isOpen = pool?.status.replicas.some((replica) => world.keyOf(replica) === modelKey && replica.breaker?.state === 'open') ?? true;
      if (!isOpen && nowMs - failedAtMs >= SHOWN_AFTER_MS) this.#failures.clear(modelKey);
    }
  }
}

function keyOf({ org_id, instance_id }: AssignmentView['assignment']): string {
  return instanceKeyOf({ orgId: org_id, instanceId: instance_id });
}
