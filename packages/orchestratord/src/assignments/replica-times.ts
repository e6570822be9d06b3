import type { PoolView } from '../nodes/node-view.js';
import type { ReplicaUse } from './demand.js';

interface Times {
  residentSinceMs: number;
  idleSinceMs: number;
}

/** One look at everything, as far as times follow from it. */
export interface TimesLook {
  readonly pools: readonly PoolView[];
  useOf(replicaId: string): ReplicaUse | undefined;
  /** Replicas that were told to leave, or are about to without that. */
  readonly leaving: ReadonlySet<string>;
  /** Pools that others wait for. */
  readonly contended: ReadonlySet<string>;
}

/** Since when replicas serve, are idle, and have others waiting for their place. Times are monotonic milliseconds. */
export class ReplicaTimes {
  readonly #replicas = new Map<string, Times>();
  readonly #contendedSinceMs = new Map<string, number>();

  /** Takes one look at everything; what is no longer resident is forgotten, so the maps are as large as the nodes are. */
  observe({ pools, useOf, leaving, contended }: TimesLook, nowMs: number): void {
    const resident = new Set<string>();
    for (const { status } of pools) {
      for (const { replica_id, state } of status.replicas) {
        // One that is wanted again before it has left has its turn anew: else two models could take each other's place at every look.
        if (state !== 'resident' || leaving.has(replica_id)) continue;
        resident.add(replica_id);
        const times = this.#replicas.get(replica_id) ?? { residentSinceMs: nowMs, idleSinceMs: nowMs };
        const use = useOf(replica_id);
        if (use !== undefined && use.leases + use.queued > 0) times.idleSinceMs = nowMs;
        this.#replicas.set(replica_id, times);
      }
    }
    for (const id of this.#replicas.keys()) if (!resident.has(id)) this.#replicas.delete(id);
    for (const id of this.#contendedSinceMs.keys()) if (!contended.has(id)) this.#contendedSinceMs.delete(id);
    for (const id of contended) if (!this.#contendedSinceMs.has(id)) this.#contendedSinceMs.set(id, nowMs);
  }

  /** Since it became resident or others began to wait for a place in its pool, whichever is later. */
  servingMs(poolId: string, replicaId: string, nowMs: number): number {
    const since = Math.max(this.#replicas.get(replicaId)?.residentSinceMs ?? nowMs, this.#contendedSinceMs.get(poolId) ?? nowMs);
    return Math.max(0, nowMs - since);
  }

  idleMs(replicaId: string, nowMs: number): number {
    return Math.max(0, nowMs - (this.#replicas.get(replicaId)?.idleSinceMs ?? nowMs));
  }
}
