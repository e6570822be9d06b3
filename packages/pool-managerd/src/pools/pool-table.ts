import type { DeviceKind } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { PlannedPool } from '../devices/planned-pool.js';

/** One pool and what was decided about it. */
export interface Pool {
  readonly planned: PlannedPool;
  /** Monotonic time at which what still runs is cut; `null` while the pool is not drained. */
  readonly drainDeadlineMs: number | null;
  readonly wasReady: boolean;
  /** Monotonic time at which it could first be given work; `null` before. */
  readonly usableSinceMs: number | null;
  /** What an operator asked of it last could not be done; `null` once something could. */
  readonly lastFailure: string | null;
}

/** A preload that has no place after so long gets none here: the pool is ready without it. */
const DECIDING_MS = 10_000;

/** The pools of this node: which there are, which are drained, which have been ready. */
export class PoolTable {
  #pools: ReadonlyMap<string, Pool> = new Map();
  #isSettled = false;

  constructor(
    private readonly clock: Clock,
    private readonly onChange: () => void,
    /** The bundle that replicas on a kind of device run. */
    private readonly engineOf: (kind: DeviceKind) => string | null = () => null,
  ) {}

  get isSettled(): boolean {
    return this.#isSettled;
  }

  list(): readonly Pool[] {
    return [...this.#pools.values()];
  }

  get(poolId: string): Pool | undefined {
    return this.#pools.get(poolId);
  }

  /** With the bundle that their replicas run at this moment. */
  planned(): ReadonlyMap<string, PlannedPool> {
    return new Map(this.list().map(({ planned }) => [planned.poolId, { ...planned, engineId: planned.attached?.engineId ?? (planned.deviceKind === null ? null : this.engineOf(planned.deviceKind)) }]));
  }

  /** Replaces the pools; those that stay keep their drain and, on the same device, their readiness. */
  replace(planned: readonly PlannedPool[]): void {
    const before = this.#pools;
    this.#isSettled = true;
    this.#pools = new Map(
      planned.map((pool) => {
        const known = before.get(pool.poolId);
        const earlier = known?.planned.device === pool.device ? known : undefined;
        return [pool.poolId, { planned: pool, drainDeadlineMs: known?.drainDeadlineMs ?? null, wasReady: earlier?.wasReady === true, usableSinceMs: earlier?.usableSinceMs ?? null, lastFailure: known?.lastFailure ?? null }];
      }),
    );
    this.onChange();
  }

  /** Stops giving the pool work. A second drain can only shorten the first. Returns the deadline, monotonic. [C-44] */
  drain(poolId: string, graceMs: number): number | null {
    const pool = this.#pools.get(poolId);
    if (pool === undefined) return null;
    const deadlineMs = Math.min(pool.drainDeadlineMs ?? Infinity, this.clock.monotonicMs() + graceMs);
    this.#set({ ...pool, drainDeadlineMs: deadlineMs });
    return deadlineMs;
  }

  /** Lets the pool take part again. */
  endDrain(poolId: string): void {
    const pool = this.#pools.get(poolId);
    if (pool === undefined || pool.drainDeadlineMs === null) return;
    this.#set({ ...pool, drainDeadlineMs: null });
  }

  /** Keeps why an operation failed, for whoever looks at the pool; `null` after one that did not. */
  noteFailure(poolId: string, failure: string | null): void {
    const pool = this.#pools.get(poolId);
    if (pool === undefined || pool.lastFailure === failure) return;
    this.#set({ ...pool, lastFailure: failure });
  }

  markUsable(poolId: string): void {
    const pool = this.#pools.get(poolId);
    if (pool === undefined || pool.usableSinceMs !== null) return;
    this.#set({ ...pool, usableSinceMs: this.clock.monotonicMs() });
  }

  /** Whether the control plane may still be deciding what is to be loaded there from the start. */
  isDeciding(poolId: string): boolean {
    const sinceMs = this.#pools.get(poolId)?.usableSinceMs ?? null;
    return sinceMs === null || this.clock.monotonicMs() < sinceMs + DECIDING_MS;
  }

  /** When to look again at pools for which it may be deciding; `null` when at none. */
  wakeAtMs(): number | null {
    const ends = this.list().flatMap(({ wasReady, usableSinceMs, planned }) => (wasReady || usableSinceMs === null || !this.isDeciding(planned.poolId) ? [] : [usableSinceMs + DECIDING_MS]));
    return ends.length === 0 ? null : Math.min(...ends);
  }

  markReady(poolId: string): void {
    const pool = this.#pools.get(poolId);
    if (pool === undefined || pool.wasReady) return;
    this.#set({ ...pool, wasReady: true });
  }

  #set(pool: Pool): void {
    this.#pools = new Map(this.#pools).set(pool.planned.poolId, pool);
    this.onChange();
  }
}
