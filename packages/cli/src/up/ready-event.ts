import { Health, validator, type PoolStatus } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import { CliFailure } from '../cli-failure.js';
import { createCorralClient, type Server } from '../client/corral-client.js';
import type { Listening } from './daemon-process.js';
import type { DaemonName } from './up-request.js';

/** The first line of `corral up --json`. */
export interface ReadyEvent {
  readonly event: 'ready';
  readonly listener_url: string;
  readonly dashboard_url: string;
  readonly pool_urls: readonly string[];
  readonly pids: { readonly orchestratord: number; readonly pool_managerd: number };
  readonly pools: readonly Pick<PoolStatus, 'pool_id' | 'ready' | 'last_error'>[];
}

const HEALTH_TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 250;
const checkHealth = validator(Health);

export interface HealthWait {
  readonly clock: Clock;
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

/** Resolves when the daemon answers `/health`; one that ends meanwhile is on its way back. */
export async function waitForHealth(name: DaemonName, server: Server, { clock, withinMs, signal }: HealthWait): Promise<void> {
  const client = createCorralClient(server);
  const deadlineMs = clock.monotonicMs() + withinMs;
  try {
    for (;;) {
      const failure = await client.get('/health', checkHealth, { signal, timeoutMs: HEALTH_TIMEOUT_MS }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (failure === undefined) return;
      signal.throwIfAborted();
      if (clock.monotonicMs() >= deadlineMs) throw notHealthy(name, failure);
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  } finally {
    await client.close();
  }
}

function notHealthy(name: DaemonName, failure: unknown): CliFailure {
  const said = messageOf(failure);
  return new CliFailure(
    `${name} listens but does not answer /health: ${said}`,
    { next: 'corral logs shows what it was doing' },
    { cause: failure },
  );
}

export function readyEvent(orchestratord: Listening, poolManagerd: Listening, pools: readonly PoolStatus[]): ReadyEvent {
  return {
    event: 'ready',
    listener_url: orchestratord.url,
    dashboard_url: new URL('/ui/', orchestratord.url).href,
    pool_urls: [poolManagerd.url],
    pids: { orchestratord: orchestratord.pid, pool_managerd: poolManagerd.pid },
    pools: pools.map(({ pool_id, ready, last_error }) => ({ pool_id, ready, last_error })),
  };
}
