/** A claim on one slot of a replica, held for as long as a request is open. Releasing twice counts once. */
export interface Lease {
  release(): void;
}

/** Counts the open requests of each replica. [C-20] */
export class Leases {
  readonly #held = new Map<string, number>();

  /** `onRelease` is told after each release: a drain may wait for it. */
  constructor(private readonly onRelease: (replicaId: string) => void) {}

  /** 0 for a replica that nobody knows. */
  count(replicaId: string): number {
    return this.#held.get(replicaId) ?? 0;
  }

  /** One more, or `null` when all `slots` are taken. */
  take(replicaId: string, slots: number): Lease | null {
    if (this.count(replicaId) >= slots) return null;
    this.#held.set(replicaId, this.count(replicaId) + 1);
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        const left = this.count(replicaId) - 1;
        if (left === 0) this.#held.delete(replicaId);
        else this.#held.set(replicaId, left);
        this.onRelease(replicaId);
      },
    };
  }
}
