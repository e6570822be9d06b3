import { isEngineError } from '@corral/engine';
import type { EngineProvider, EngineReplica, ReplicaSpec } from '@corral/engine';
import { createHttpClient } from '@corral/service-kit';
import type { Clock, HttpClient, Log } from '@corral/service-kit';
import { probeReplica } from './probe-replica.js';
import { ProgressWatch } from './progress-watch.js';
import type { FailureKind } from './replica.js';

/** A worker that has answered, and the way to it. */
export interface LiveReplica {
  readonly engine: EngineReplica;
  readonly client: HttpClient;
}

/** Why a load ended without a replica. Its process is gone. */
export class LoadError extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
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
  void engine.exited.then((exit) => gone.abort(new LoadError('load', exit.kind === 'crashed' ? withLastWords(exit.error, exit.lastWords) : 'the engine worker ended during its first token; see its log')));
  try {
    await probeReplica(client, spec.replicaId, { timeoutMs: ports.limits.probeMs, signal: AbortSignal.any([options.signal, gone.signal]) });
    return { engine, client };
  } catch (error) {
    await engine.stop(0);
    await client.close();
    options.signal.throwIfAborted();
    if (error instanceof LoadError) throw error;
    throw new LoadError('probe', messageOf(error), { cause: error });
  }
}

async function startWorker(spec: ReplicaSpec, { provider, clock, log, limits }: LoadPorts, { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (fraction: number) => void }): Promise<EngineReplica> {
  const watch = new ProgressWatch(clock, limits.stallMs, () => new LoadError('load', `health check failed: the load made no progress for ${limits.stallMs} ms; look at the engine worker's log lines`));
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
    throw new LoadError('load', isEngineError(error) ? withLastWords(error.message, error.lastWords) : messageOf(error), { cause: error });
  } finally {
    watch.close();
  }
}

/** A failure with what the process said last, short enough for a status. */
export function withLastWords(message: string, lastWords: readonly string[]): string {
  const said = lastWords.slice(-LAST_WORDS);
  const isTold = said.length === 0 || said.some((line) => message.includes(line));
  return (isTold ? message : `${message}; its last words: ${said.join(' | ')}`).slice(0, LONGEST_MESSAGE);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
