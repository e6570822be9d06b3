import type { AssignmentStatus, PoolStatus } from '@corral/contracts';
import type { CatalogEntry } from '@corral/catalog-core';
import type { Clock } from '@corral/service-kit';
import { instanceKey } from '../assignments/journal-state.js';
import { withSwap } from '../assignments/swap-status.js';
import type { Swaps } from '../assignments/swaps.js';
import { assignmentStatus } from '../assignments/assignment-status.js';
import type { Journal } from '../assignments/journal.js';
import type { ObservedAssignment } from '../assignments/outcome-watch.js';
import type { ModelPresence } from '../models/model-presence.js';
import type { PoolChanges } from '../pools/pool-changes.js';
import { poolStatus } from '../pools/pool-status.js';
import type { Pool, PoolTable } from '../pools/pool-table.js';
import type { IdleWorkers } from '../pools/idle-workers.js';
import { preloadsIn } from '../pools/preloads.js';
import type { PreloadState, ToldPreloads } from '../pools/preloads.js';
import { poolReadiness } from '../pools/readiness.js';
import type { Readiness } from '../pools/readiness.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { StagingArea } from '../staging/staging-area.js';

export interface NodeViewSources {
  readonly nodeId: string;
  readonly engine: { readonly name: string; readonly version: string };
  readonly journal: Journal;
  readonly presence: ModelPresence;
  readonly pools: PoolTable;
  readonly replicas: ReplicaSet;
  readonly swaps: Pick<Swaps, 'of' | 'noteOf'>;
  readonly changes: Pick<PoolChanges, 'doneIn'>;
  /** What an operator has begun in a pool and not ended. */
  operationIn(poolId: string): PoolStatus['operation'];
  readonly idle: Pick<IdleWorkers, 'stateOf'>;
  readonly preloads: Pick<ToldPreloads, 'list'>;
  readonly clock: Clock;
  /** `null` where nothing can be staged. */
  readonly staging: StagingArea | null;
  readonly catalog: { list(): readonly CatalogEntry[]; get(id: string): CatalogEntry | null };
}

/** What anybody may see of this node. Every answer is a snapshot of this moment; it changes nothing. */
export class NodeView {
  /** Taken once, so that a time that does not change is told in the same words each time. */
  readonly #unixOffsetMs: number;

  constructor(private readonly sources: NodeViewSources) {
    this.#unixOffsetMs = sources.clock.nowMs() - sources.clock.monotonicMs();
  }

  /** In the order in which the node learnt of them. */
  assignments(): readonly ObservedAssignment[] {
    const { journal, presence, pools, replicas, catalog, swaps } = this.sources;
    const sources = {
      pools: pools.planned(),
      replicas: replicas.list(),
      presence: (key: string) => presence.get(key),
      digestOnDisk: (modelId: string) => catalog.get(modelId)?.digest ?? null,
      staging: this.sources.staging,
      isSettled: pools.isSettled,
      unixMs: this.#unixMs,
      isDraining: (poolId: string) => (pools.get(poolId)?.drainDeadlineMs ?? null) !== null,
    };
    return [...journal.state.entries.values()].map(({ assignment }) => {
      const holder = instanceKey(assignment);
      const note = swaps.noteOf(holder, assignment.generation);
      const status = withSwap(assignmentStatus(assignment, sources), swaps.of(holder), sources.replicas);
      return { assignment: note === null ? assignment : { ...assignment, reason: `${assignment.reason}; ${note}` }, status };
    });
  }

  pools(): readonly PoolStatus[] {
    const observed = this.assignments();
    return this.sources.pools.list().map((pool) => this.#statusOf(pool, observed));
  }

  /** `undefined` for a pool that this node does not have. */
  pool(poolId: string): PoolStatus | undefined {
    const pool = this.sources.pools.get(poolId);
    return pool === undefined ? undefined : this.#statusOf(pool, this.assignments());
  }

  /** Why a pool is not ready; `null` when it is, or is not there. */
  reasonOf(poolId: string): string | null {
    const pool = this.sources.pools.get(poolId);
    return pool === undefined ? null : this.#readiness(pool, this.assignments()).reason;
  }

  #readiness(pool: Pool, observed: readonly ObservedAssignment[]): Readiness {
    const { poolId, problem, attached } = pool.planned;
    return poolReadiness({
      problem,
      isSettled: this.sources.pools.isSettled,
      isDraining: pool.drainDeadlineMs !== null,
      wasUsable: pool.usableSinceMs !== null,
      wasReady: pool.wasReady,
      preloads: this.#preloads(poolId, observed),
      idle: this.sources.idle.stateOf(pool.planned),
      isAttached: attached !== undefined,
      isServing: this.sources.replicas.inPool(poolId).some(({ phase }) => phase.state === 'resident'),
    });
  }

  #preloads(poolId: string, observed: readonly ObservedAssignment[]): readonly PreloadState[] {
    return preloadsIn(poolId, { told: this.sources.preloads.list, observed, isDeciding: this.sources.pools.isDeciding(poolId) });
  }

  /** `null` when at least one pool is ready, else why none is. */
  notReadyReason(): string | null {
    const { pools } = this.sources;
    if (!pools.isSettled) return 'the node has only just started: it looks for devices and waits for its control plane';
    const observed = this.assignments();
    const reasons = pools.list().map((pool) => ({ poolId: pool.planned.poolId, ...this.#readiness(pool, observed) }));
    if (reasons.some(({ ready }) => ready)) return null;
    return reasons.map(({ poolId, reason }) => `${poolId}: ${reason ?? 'not ready'}`).join('; ');
  }

  #statusOf(pool: Pool, observed: readonly ObservedAssignment[]): PoolStatus {
    const { nodeId, engine, replicas, changes } = this.sources;
    const { poolId } = pool.planned;
    return poolStatus({
      nodeId,
      engine,
      pool,
      readiness: this.#readiness(pool, observed),
      idle: this.sources.idle.stateOf(pool.planned),
      replicas: replicas.inPool(poolId),
      operation: this.sources.operationIn(poolId),
      changes: changes.doneIn(poolId),
      preloads: this.#preloads(poolId, observed),
      assignments: observed.map(({ status }: { status: AssignmentStatus }) => status),
      leases: (replicaId) => replicas.leases(replicaId),
      unixMs: this.#unixMs,
    });
  }

  readonly #unixMs = (monotonicMs: number): number => Math.round(monotonicMs + this.#unixOffsetMs);
}
