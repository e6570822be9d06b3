/** Why a connection is not worth waiting for any longer. */
export type PaceProblem = { readonly kind: 'idle'; readonly ms: number } | { readonly kind: 'slow'; readonly bytesPerS: number };

/** What a connection must bring at least. */
export interface PaceLimits {
  readonly idleMs: number;
  readonly leastBytesPerS: number;
  readonly slowMs: number;
}

/** Judges how bytes come in. Only time spent waiting for them counts, not what their receiver takes to deal with them. [D-58] */
export class Pace {
  #waitingSinceMs: number | null = null;
  #waitedMs = 0;
  #bytes = 0;

  constructor(private readonly limits: PaceLimits) {}

  waiting(nowMs: number): void {
    this.#waitingSinceMs = nowMs;
  }

  received(nowMs: number, bytes: number): void {
    this.#waitedMs += this.#openWaitMs(nowMs);
    this.#waitingSinceMs = null;
    this.#bytes += bytes;
  }

  /** Asked now and then; each time that enough waiting has added up, the account begins anew. */
  problem(nowMs: number): PaceProblem | null {
    const { idleMs, leastBytesPerS, slowMs } = this.limits;
    const openMs = this.#openWaitMs(nowMs);
    if (openMs >= idleMs) return { kind: 'idle', ms: openMs };
    const waitedMs = this.#waitedMs + openMs;
    if (waitedMs < slowMs) return null;
    const bytesPerS = (this.#bytes / waitedMs) * 1_000;
    this.#waitedMs = -openMs;
    this.#bytes = 0;
    return bytesPerS < leastBytesPerS ? { kind: 'slow', bytesPerS } : null;
  }

  #openWaitMs(nowMs: number): number {
    return this.#waitingSinceMs === null ? 0 : nowMs - this.#waitingSinceMs;
  }
}
