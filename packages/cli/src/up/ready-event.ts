import { Health, validator, type PoolStatus } from '@corral/contracts';
import { createCorralClient, type Server } from '../client/corral-client.js';
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
