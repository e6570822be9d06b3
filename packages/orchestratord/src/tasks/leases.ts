/** Which task runs on which replica, as this control plane gave them out: the one count of taken slots. [C-20] */
export class Leases {
  readonly #byReplica = new Map<string, Set<string>>();
  readonly #byPool = new Map<string, number>();

  /** Returns the release; calling it twice counts once. */
  take(poolId: string, replicaId: string, taskId: string): () => void {
    const held = this.#byReplica.get(replicaId) ?? new Set();
    held.add(taskId);
    this.#byReplica.set(replicaId, held);
    this.#byPool.set(poolId, this.ofPool(poolId) + 1);
    return () => {
      if (!held.delete(taskId)) return;
      this.#byPool.set(poolId, this.ofPool(poolId) - 1);
      if (held.size === 0) this.#byReplica.delete(replicaId);
    };
  }

  ofReplica(replicaId: string): number {
    return this.#byReplica.get(replicaId)?.size ?? 0;
  }

  ofPool(poolId: string): number {
    return this.#byPool.get(poolId) ?? 0;
  }
}
