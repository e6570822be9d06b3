import { createHttpClient, isConnectionError, systemClock } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';
import type { Child } from './fork-child.js';
import { describeExit, exitReason } from './judge-exit.js';
import type { WorkerAnswer } from './worker-answer.js';

export interface WorkerCall {
  readonly path: '/park' | '/resume' | '/prefixes';
  readonly body?: object;
  readonly signal?: AbortSignal;
}

/** Longest timer: the owner decides by itself when it has waited enough, and ends the process. */
const UNLIMITED_MS = 2_147_483_647;
/** From a connection that broke to the end of the process behind it. */
const EXIT_GRACE_MS = 1_000;

/** Asks a ready worker over its socket. Rejects with the worker's EngineError, with how the process ended, or with the signal's reason. */
export async function callWorker<Answer>(child: Child, socketPath: string, { path, body, signal }: WorkerCall): Promise<Answer> {
  const client = createHttpClient({ socketPath, connections: 1 });
  const gone = new AbortController();
  void child.exited.then(() => gone.abort());
  try {
    const signals = [gone.signal, ...(signal === undefined ? [] : [signal])];
    const answer = await client.json<WorkerAnswer<Answer>>('POST', path, body, { timeoutMs: UNLIMITED_MS, signal: AbortSignal.any(signals) });
    if (answer.type === 'fatal') throw new EngineError(answer.kind, answer.message);
    return answer.answer;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    signal?.throwIfAborted();
    // A socket that breaks is the beginning of the end of its process, and how that ended says more.
    if (gone.signal.aborted || isConnectionError(error)) await Promise.race([child.exited, systemClock.sleep(EXIT_GRACE_MS)]);
    if (!gone.signal.aborted) throw new EngineError('worker_failed', `the engine process did not do what was asked: ${messageOf(error)}; end it`, [], { cause: error });
    const raw = await child.exited;
    throw new EngineError('worker_failed', describeExit(raw), raw.lastWords, { exit: exitReason(raw), cause: error });
  } finally {
    await client.close();
  }
}
