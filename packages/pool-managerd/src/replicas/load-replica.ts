import { isEngineError } from '@corral/engine';
import type { EngineProvider, EngineReplica, Exit, ReplicaSpec } from '@corral/engine';
import { createHttpClient, isConnectionError, messageOf } from '@corral/service-kit';
import type { Clock, HttpClient, Log } from '@corral/service-kit';
import { probeReplica } from './probe-replica.js';
import { ProgressWatch } from './progress-watch.js';
import type { Failure } from './failure.js';

/** A worker that has answered, and the way to it. */
export interface LiveReplica {
  readonly engine: EngineReplica;
  readonly client: HttpClient;
}

/** Why a load ended without a replica. Its process is gone. */
export class LoadError extends Error {
  constructor(
    readonly failure: Failure,
    options?: ErrorOptions,
  ) {
    super(failure.message, options);
    this.name = 'LoadError';
  }
}

export interface LoadLimits {
  /** A load that reports no progress for so long is ended. */
  readonly stallMs: number;
  /** Time for the one token of the probe. */
  readonly probeMs: number;
}

export interface LoadPorts {
  readonly provider: EngineProvider;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: LoadLimits;
}

/** Requests beside the leased ones: a stream that was cut may still close while its successor opens. */
const SPARE_CONNECTIONS = 4;
/** From a connection that broke to the end of the process behind it. */
const EXIT_GRACE_MS = 1_000;
const LAST_WORDS = 3;
const LONGEST_MESSAGE = 1_000;

/**
 * Starts a worker, loads its model and asks it for one token. Rejects with a LoadError, or with the signal's
 * reason when it was called off; the process is gone then. [C-11 C-15]
 */
export async function loadReplica(spec: ReplicaSpec, ports: LoadPorts, options: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void }): Promise<LiveReplica> {
  const engine = await startWorker(spec, ports, options);
  const client = createHttpClient({ socketPath: engine.socketPath, connections: spec.slots + SPARE_CONNECTIONS, clock: ports.clock });
  const gone = new AbortController();
  const exited = engine.exited.then((exit) => gone.abort(new LoadError(endOf(exit, 'load') ?? { kind: 'load', reason: 'exit', message: 'the engine worker ended during its first token; see its log' })));
  try {
    await probeReplica(client, spec.replicaId, { timeoutMs: ports.limits.probeMs, signal: AbortSignal.any([options.signal, gone.signal]) });
    return { engine, client };
  } catch (error) {
    // A connection breaks a moment before the process behind it is known to have ended, and how it ended says more.
    if (isBroken(error)) await Promise.race([exited, ports.clock.sleep(EXIT_GRACE_MS)]);
    const failure: unknown = gone.signal.aborted ? gone.signal.reason : error;
    await engine.stop(0);
    await client.close();
    options.signal.throwIfAborted();
    throw failure instanceof LoadError ? failure : new LoadError({ kind: 'probe', reason: 'probe', message: messageOf(error) }, { cause: error });
  }
}

async function startWorker(spec: ReplicaSpec, { provider, clock, log, limits }: LoadPorts, { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void }): Promise<EngineReplica> {
  const watch = new ProgressWatch(clock, limits.stallMs, () => new LoadError({ kind: 'load', reason: 'load_stall', message: `health check failed: the load made no progress for ${limits.stallMs} ms; look at the engine worker's log lines` }));
  try {
    return await provider.start(spec, {
      signal: AbortSignal.any([signal, watch.signal]),
      onProgress: (fraction) => {
        watch.moved();
        onProgress(fraction);
      },
      log,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LoadError) throw error;
    const [reason, message] = isEngineError(error) ? [error.exit ?? 'refused', withLastWords(error.message, error.lastWords)] as const : ['refused', messageOf(error)] as const;
    throw new LoadError({ kind: 'load', reason, message }, { cause: error });
  } finally {
    watch.close();
  }
}

/** What a process that ended by itself says of its end; `null` for one that was asked to, or left with exit code 0. */
export function endOf(exit: Exit, kind: Failure['kind']): Failure | null {
  return exit.kind === 'crashed' ? { kind, reason: exit.reason, message: withLastWords(exit.error, exit.lastWords) } : null;
}

/** A failure with what the process said last, short enough for a status. */
function withLastWords(message: string, lastWords: readonly string[]): string {
  const said = lastWords.slice(-LAST_WORDS);
  const isTold = said.length === 0 || said.some((line) => message.includes(line));
  return (isTold ? message : `${message}; its last words: ${said.join(' | ')}`).slice(0, LONGEST_MESSAGE);
}

function isBroken(error: unknown): boolean {
  const { cause } = error instanceof Error ? error : { cause: null };
  return isConnectionError(cause) && cause.causeCode !== 'REQUEST_TIMEOUT';
}
