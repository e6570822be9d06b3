import type { Clock } from './clock.js';

export interface BackoffPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Growth per attempt; 2 when left out. */
  readonly factor?: number;
}

/** The wait after the `attempt`-th failure (from 1), without jitter: it grows by the factor and stays at `maxMs`. */
export function backoffMs(attempt: number, { initialMs, maxMs, factor = 2 }: BackoffPolicy): number {
  return Math.min(maxMs, initialMs * factor ** Math.min(Math.max(attempt, 1) - 1, 64));
}

/** Anything from 0 to `ms`, evenly: spreads callers that failed at the same moment. `random` gives [0, 1). */
export function fullJitter(ms: number, random: () => number): number {
  return Math.floor(random() * (ms + 1));
}

export interface RetryPolicy extends BackoffPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number;
}

export interface RetryPorts {
  readonly clock: Clock;
  readonly random: () => number;
  readonly signal?: AbortSignal | undefined;
  isRetriable(error: unknown): boolean;
}

/**
 * Runs `work` until it succeeds, fails for good, or the attempts are spent; waits with full jitter in between.
 *
 * Rejects with the last error, or with the signal's reason. [P-19]
 */
export async function retrying<T>(work: (attempt: number) => Promise<T>, policy: RetryPolicy, ports: RetryPorts): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work(attempt);
    } catch (error) {
      if (attempt >= policy.attempts || !ports.isRetriable(error)) throw error;
      await ports.clock.sleep(fullJitter(backoffMs(attempt, policy), ports.random), ports.signal);
    }
  }
}
