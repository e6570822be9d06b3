import type { PoolStatus } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { CorralClient } from '../client/corral-client.js';
import { fetchPools } from '../commands/pools.js';

export interface PoolsWait {
  readonly clock: Clock;
  readonly withinMs: number;
  readonly signal: AbortSignal;
  /** Enough is known. */
  readonly isEnough: (pools: readonly PoolStatus[]) => boolean;
}

const LOOK_EVERY_MS = 50;

/** The pools once `isEnough` says so, else those that are there when the time is over. */
export async function waitForPools(client: CorralClient, { clock, withinMs, signal, isEnough }: PoolsWait): Promise<PoolStatus[]> {
  const deadlineMs = clock.monotonicMs() + withinMs;
  for (;;) {
    const pools = await fetchPools(client, { signal });
    if (isEnough(pools) || clock.monotonicMs() >= deadlineMs) return pools;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

/** A node has said what it has. */
export function someRegistered(pools: readonly PoolStatus[]): boolean {
  return pools.length > 0;
}

/** A task would be taken, or refused for a reason. */
export function someSettled(pools: readonly PoolStatus[]): boolean {
  return pools.some((pool) => pool.ready || pool.last_error !== null);
}
