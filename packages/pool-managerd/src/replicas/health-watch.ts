import { isApiError } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Clock, HttpClient } from '@corral/service-kit';
import type { Failure } from './failure.js';

/** What one look at a worker saw: `missed` gave no answer in time, `unhealthy` says itself that it must go. */
export type HealthOutcome = 'ok' | 'missed' | 'unhealthy';

export interface HealthLimits {
  /** From one look to the next. */
  readonly intervalMs: number;
  /** A worker that decodes answers in milliseconds; one that is starved of CPU, or blocked by its own start, may take a second. */
  readonly timeoutMs: number;
  /** Looks in a row without a good answer after which it is given up. */
  readonly missesMax: number;
}

export interface HealthWatchPorts {
  readonly client: Pick<HttpClient, 'exchange'>;
  readonly clock: Clock;
  readonly limits: HealthLimits;
  /** Called after each look; must not throw. */
  onOutcome(outcome: HealthOutcome): void;
}

/**
 * Looks at a worker until it is given up or the signal aborts. Resolves with what is wrong, or `null` when aborted; never rejects.
 *
 * A process that was stopped, or whose event loop hangs, misses its answers; one whose native code hangs answers that it is not well. [C-50 C-171]
 */
export async function watchHealth({ client, clock, limits, onOutcome }: HealthWatchPorts, signal: AbortSignal): Promise<Failure | null> {
  let misses = 0;
  let words = '';
  for (;;) {
    const begunMs = clock.monotonicMs();
    const seen = await look(client, limits.timeoutMs, signal);
    if (signal.aborted) return null;
    onOutcome(seen.outcome);
    misses = seen.outcome === 'ok' ? 0 : misses + 1;
    words = seen.words;
    if (misses >= limits.missesMax) return givenUp(seen.outcome, words, misses);
    const leftMs = begunMs + limits.intervalMs - clock.monotonicMs();
    await clock.sleep(Math.max(1, leftMs), signal).catch(() => undefined);
    if (signal.aborted) return null;
  }
}

async function look(client: Pick<HttpClient, 'exchange'>, timeoutMs: number, signal: AbortSignal): Promise<{ readonly outcome: HealthOutcome; readonly words: string }> {
  try {
    await client.exchange('GET', '/health', undefined, { timeoutMs, signal, idempotent: false });
    return { outcome: 'ok', words: '' };
  } catch (error) {
    const words = messageOf(error);
    return { outcome: isApiError(error) ? 'unhealthy' : 'missed', words };
  }
}

function givenUp(outcome: HealthOutcome, words: string, misses: number): Failure {
  return outcome === 'unhealthy'
    ? { kind: 'crash', reason: 'unhealthy', message: `the engine worker was ended because it reported itself unhealthy ${misses} times: ${words}` }
    : { kind: 'crash', reason: 'hang', message: `the engine worker was ended because it hung: health check failed ${misses} times in a row (${words})` };
}
