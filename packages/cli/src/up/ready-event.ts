import { Health, validator, type PoolStatus } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import { createCorralClient, type CorralClient, type Server } from '../client/corral-client.js';
import { fetchPools } from '../commands/pools.js';
import type { Listening } from './daemon-process.js';

/** The first line of `corral up --json`. */
export interface ReadyEvent {
  readonly event: 'ready';
  readonly listener_url: string;
  readonly dashboard_url: string | null;
  readonly pool_urls: readonly string[];
  readonly pids: { readonly orchestratord: number; readonly pool_managerd: number };
  readonly pools: readonly Pick<PoolStatus, 'pool_id' | 'ready' | 'last_error'>[];
}

const HEALTH_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 50;
const checkHealth = validator(Health);

/** Resolves when the daemon answers `/health`. */
export async function waitForHealth(server: Server, signal: AbortSignal): Promise<void> {
  const client = createCorralClient(server);
  try {
    await client.get('/health', checkHealth, { signal, timeoutMs: HEALTH_TIMEOUT_MS });
  } finally {
    await client.close();
  }
}

export interface PoolsWait {
  readonly clock: Clock;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/** The pools that have registered: at once when there are some, else what is there when the time is over. */
export async function waitForPools(client: CorralClient, { clock, withinMs, signal }: PoolsWait): Promise<PoolStatus[]> {
  const deadlineMs = clock.monotonicMs() + withinMs;
  for (;;) {
    const pools = await fetchPools(client, { signal });
    if (pools.length > 0 || clock.monotonicMs() >= deadlineMs) return pools;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
}

export function readyEvent(orchestratord: Listening, poolManagerd: Listening, pools: readonly PoolStatus[]): ReadyEvent {
  return {
    event: 'ready',
    listener_url: orchestratord.url,
    dashboard_url: null,
    pool_urls: [poolManagerd.url],
    pids: { orchestratord: orchestratord.pid, pool_managerd: poolManagerd.pid },
    pools: pools.map(({ pool_id, ready, last_error }) => ({ pool_id, ready, last_error })),
  };
}
