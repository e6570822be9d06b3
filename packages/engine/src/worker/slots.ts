import { ApiError } from '@corral/contracts';
import { chooseSlot } from './choose-slot.js';
import type { SlotPrefix } from './text-model.js';

/** A claim on one slot. Releasing twice counts once. */
export interface SlotLease {
  readonly slot: number;
  release(): void;
}

interface Waiter {
  grant(slot: number): void;
}

const NOTHING: SlotPrefix = { reusableTokens: 0, heldTokens: 0 };

/**
 * Hands out slots; `chooseSlot` says which of the free ones. Who waits gets the one that is released.
 *
 * The node leases slots before it sends, so waiting here only covers the moment of a hand-over: the list
 * is as long as there are slots, who waited longest comes first, and a request beyond it is refused.
 */
export class Slots {
  readonly #free: boolean[];
  /** Per slot, the count of releases when it was released last. */
  readonly #lastUse: number[];
  readonly #waiting: Waiter[] = [];
  #releases = 0;

  constructor(readonly total: number) {
    this.#free = Array.from({ length: total }, () => true);
    this.#lastUse = Array.from({ length: total }, () => 0);
  }

  get active(): number {
    return this.#free.filter((free) => !free).length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * `prefixes` says what each slot could spare the prompt. Rejects with the signal's reason when aborted
   * first, or with REPLICA_EXHAUSTED when too many wait.
   */
  take(signal: AbortSignal, prefixes: readonly SlotPrefix[]): Promise<SlotLease> {
    if (signal.aborted) return Promise.reject(signal.reason);
    const slot = this.#choose(prefixes);
    if (slot !== null) return Promise.resolve(this.#lease(slot));
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

  /** All that are free now, the one that was used last first. Giving them back does not count as a use. */
  takeIdle(): readonly SlotLease[] {
    const idle = this.#free.flatMap((isFree, slot) => (isFree ? [slot] : []));
    return idle.toSorted((a, b) => (this.#lastUse[b] ?? 0) - (this.#lastUse[a] ?? 0) || a - b).map((slot) => this.#lease(slot, this.#lastUse[slot] ?? 0));
  }

  #choose(prefixes: readonly SlotPrefix[]): number | null {
    return chooseSlot(this.#free.map((isFree, slot) => ({ ...(prefixes[slot] ?? NOTHING), slot, isFree, lastUse: this.#lastUse[slot] ?? 0 })));
  }

  #lease(slot: number, useBefore?: number): SlotLease {
    this.#free[slot] = false;
    let held = true;
    return {
      slot,
      release: () => {
        if (!held) return;
        held = false;
        this.#free[slot] = true;
        this.#lastUse[slot] = useBefore ?? (this.#releases += 1);
        this.#waiting.shift()?.grant(slot);
      },
    };
  }
}
