import { externalFacts } from '@corral/engine';
import type { ServerFacts } from '@corral/engine';
import { isConnectionError } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import type { ServerState } from './attached-pool.js';

export interface WatchLimits {
  /** From one look to the next. */
  readonly intervalMs: number;
  /** A server that evaluates a long prompt may answer late. */
  readonly timeoutMs: number;
  /** Looks in a row without an answer in time after which it counts as away; one that refuses the connection is away at once. */
  readonly missesMax: number;
}

export interface ServerWatchPorts {
  readonly url: string;
  readonly clock: Clock;
  readonly limits: WatchLimits;
  /** Called when what is known of it has changed; must not throw. */
  onChange(state: ServerState): void;
}

/** Looks at a server until the signal aborts; never rejects. [D-83] */
export async function watchServer({ url, clock, limits, onChange }: ServerWatchPorts, signal: AbortSignal): Promise<void> {
  let told = '';
  let misses = 0;
  while (!signal.aborted) {
    const seen = await look(url, limits.timeoutMs, signal);
    if (signal.aborted) return;
    misses = seen.isSlow ? misses + 1 : 0;
    const isPatient = seen.isSlow && misses < limits.missesMax && told !== '';
    const text = JSON.stringify(seen.state);
    if (!isPatient && text !== told) {
      told = text;
      onChange(seen.state);
    }
    await clock.sleep(limits.intervalMs, signal).catch(() => undefined);
  }
}

async function look(url: string, timeoutMs: number, signal: AbortSignal): Promise<{ readonly state: ServerState; readonly isSlow: boolean }> {
  try {
    const facts: ServerFacts = await externalFacts(url, { timeoutMs, signal });
    return { state: { state: 'up', facts }, isSlow: false };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const code = isConnectionError(cause) ? cause.causeCode : null;
    return { state: { state: 'down', reason: reasonOf(code, cause, timeoutMs) }, isSlow: code === 'REQUEST_TIMEOUT' };
  }
}

/** Without the address. */
function reasonOf(code: string | null, cause: unknown, timeoutMs: number): string {
  if (code === 'REQUEST_TIMEOUT') return `nothing came within ${timeoutMs} ms`;
  if (code === 'ECONNREFUSED') return 'nothing listens there (ECONNREFUSED)';
  if (code !== null) return `the connection failed (${code})`;
  return cause instanceof Error && 'status' in cause ? `its answer was ${String(cause.status)}` : 'what it answers is not what a ready llama-server says';
}
