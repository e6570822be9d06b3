import { backoffMs, type BackoffPolicy } from '@corral/service-kit';

interface Refusal {
  readonly poolId: string;
  /** In a row. */
  readonly times: number;
  readonly atMs: number;
  readonly untilMs: number;
}

const MODELS_MAX = 1_000;
const AGAIN: BackoffPolicy = { initialMs: 200, maxMs: 10_000 };
/** Who was not refused for so long begins anew. */
const FORGET_MS = 60_000;

/**
 * Nodes that had no room for a model though the plan expected some: what was to leave had not left, or came back. No
 * failure of the model; it is planned again after a wait that grows. Times are monotonic milliseconds. [C-264]
 */
export class RoomRefusals {
  readonly #refusals = new Map<string, Refusal>();

  /** Returns the milliseconds until its node is asked again. */
  record(modelKey: string, poolId: string, nowMs: number): number {
    const before = this.#refusals.get(modelKey);
    const isInRow = before !== undefined && before.poolId === poolId && nowMs - before.atMs < FORGET_MS;
    const times = isInRow ? before.times + 1 : 1;
    const waitMs = backoffMs(times, AGAIN);
    this.#refusals.delete(modelKey);
    this.#refusals.set(modelKey, { poolId, times, atMs: nowMs, untilMs: nowMs + waitMs });
    const oldest = this.#refusals.keys().next();
    if (this.#refusals.size > MODELS_MAX && oldest.done !== true) this.#refusals.delete(oldest.value);
    return waitMs;
  }

  /** Pools that are not to be asked yet, with the milliseconds until then. */
  of(modelKey: string, nowMs: number): ReadonlyMap<string, number> {
    const refusal = this.#refusals.get(modelKey);
    return refusal === undefined || refusal.untilMs <= nowMs ? new Map() : new Map([[refusal.poolId, refusal.untilMs - nowMs]]);
  }

  /** It was loaded, or an operator wants it tried at once. */
  clear(modelKey: string): void {
    this.#refusals.delete(modelKey);
  }
}
