import { ApiError } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import { takeRequest, type Bucket } from './rate.js';

/** How much each key has left; one entry per key. Lives in memory: a restart fills every bucket. */
export class Rates {
  readonly #buckets = new Map<string, Bucket>();

  constructor(private readonly clock: Clock) {}

  /** Throws RATE_LIMITED, with how long to wait. [B-137] */
  take(keyId: string, perMinute: number): void {
    const taken = takeRequest(this.#buckets.get(keyId), perMinute, this.clock.monotonicMs());
    if (taken.kind === 'taken') return void this.#buckets.set(keyId, taken.bucket);
    throw new ApiError('RATE_LIMITED', `key ${keyId} may send ${perMinute} requests a minute and has sent them; wait as Retry-After says`, {
      retry_after_ms: taken.retryAfterMs,
      policy_label: 'requests_per_minute',
    });
  }
}
