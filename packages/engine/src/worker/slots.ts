import { ApiError } from '@corral/contracts';

/** A claim on one slot. Releasing twice counts once. */
export interface SlotLease {
  readonly slot: number;
  release(): void;
}

interface Waiter {
  grant(slot: number): void;
}

/**
 * Hands out slots, the lowest free one first, so that active sequences stay next to each other in the batch.
 *
 * The node leases slots before it sends, so waiting here only covers the moment of a hand-over: the list
 * is as long as there are slots, and a request beyond it is refused.
 */
export class Slots {
  readonly #free: boolean[];
  readonly #waiting: Waiter[] = [];

  constructor(readonly total: number) {
    this.#free = Array.from({ length: total }, () => true);
  }

  get active(): number {
    return this.#free.filter((free) => !free).length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Rejects with the signal's reason when aborted first, or with REPLICA_EXHAUSTED when too many wait. */
  take(signal: AbortSignal): Promise<SlotLease> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const slot = this.#free.indexOf(true);
    if (slot !== -1) return Promise.resolve(this.#lease(slot));
    if (this.#waiting.length >= this.total) {
      return Promise.reject(new ApiError('REPLICA_EXHAUSTED', `all ${this.total} slots are taken and ${this.#waiting.length} requests wait; try again`));
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1);
        reject(signal.reason);
      };
      const waiter: Waiter = {
        grant: (granted) => {
          signal.removeEventListener('abort', onAbort);
          resolve(this.#lease(granted));
        },
      };
      this.#waiting.push(waiter);
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #lease(slot: number): SlotLease {
    this.#free[slot] = false;
    let held = true;
    return {
      slot,
      release: () => {
        if (!held) return;
        held = false;
        this.#free[slot] = true;
        this.#waiting.shift()?.grant(this.#free.indexOf(true));
      },
    };
  }
}
