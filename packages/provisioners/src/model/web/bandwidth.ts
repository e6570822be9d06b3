import type { Clock } from '@corral/service-kit';

/** When the bucket is full again, in milliseconds of a monotonic clock. */
export interface BucketState {
  readonly fullAtMs: number;
}

/** Bytes that may pass at once after a pause, as time at the full rate. */
const BURST_MS = 250;

/** Takes bytes out of a token bucket. What is not there yet is owed, so that pieces of any size keep to the rate on the whole. */
export function takeTokens(state: BucketState, nowMs: number, bytes: number, bytesPerS: number): { readonly state: BucketState; readonly waitMs: number } {
  const fullAtMs = Math.max(state.fullAtMs, nowMs) + (bytes / bytesPerS) * 1_000;
  return { state: { fullAtMs }, waitMs: Math.max(0, fullAtMs - nowMs - BURST_MS) };
}

/** One rate for everything that passes through; without one, nothing waits. [D-54] */
export class Bandwidth {
  #state: BucketState = { fullAtMs: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly bytesPerS: number | null,
    private readonly clock: Clock,
  ) {}

  /** Resolves when these bytes may pass; rejects with the signal's reason. */
  async pass(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.bytesPerS === null) return;
    const { state, waitMs } = takeTokens(this.#state, this.clock.monotonicMs(), bytes, this.bytesPerS);
    this.#state = state;
    if (waitMs > 0) await this.clock.sleep(waitMs, signal);
  }
}
