import { backoffMs } from '@corral/service-kit';

export interface RetryPolicy {
  readonly initialMs: number;
  readonly maxMs: number;
  /** Consecutive failures after which only `giveUpMs` or a new generation brings another try. */
  readonly failuresMax: number;
  readonly giveUpMs: number;
  /** A replica that was ready for so long starts to count anew when it crashes. */
  readonly stableMs: number;
}

/** Milliseconds to wait after the `failures`-th consecutive failure, with ±10 % of jitter. `random` is in [0, 1). [C-50] */
export function retryDelayMs(failures: number, policy: RetryPolicy, random: number): number {
  if (failures >= policy.failuresMax) return policy.giveUpMs;
  return Math.round(backoffMs(failures, policy) * (0.9 + random * 0.2));
}

/** Consecutive failures after a crash `uptimeMs` after the replica became ready. */
export function failuresAfterCrash(failures: number, uptimeMs: number, policy: RetryPolicy): number {
  return uptimeMs >= policy.stableMs ? 1 : failures + 1;
}
