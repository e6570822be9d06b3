import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ApiError } from '@corral/contracts';
import type { LoadMessage, WorkerMessage } from '../child/child-message.js';
import { isEngineError } from '../engine-error.js';
import { messageOf } from '../message-of.js';
import type { ReplicaSpec } from '../port.js';
import { workerClock } from './worker-clock.js';
import type { TextModel } from './text-model.js';
import { writeLog } from './worker-log.js';
import { WorkerServer } from './worker-server.js';

/** A small model is loaded while a few messages would be written. */
const PROGRESS_EVERY_MS = 50;
/** How long streams get to take their last frame when the process ends. */
const FAREWELL_MS = 300;

export interface LoadContext {
  readonly onProgress: (fraction: number) => void;
  /** What the engine told its worker beside the spec. */
  readonly extra: unknown;
}

/** What a worker does with the spec that it is sent. Failures are `EngineError`; others count as `bad_model`. */
export type LoadModel = (spec: ReplicaSpec, context: LoadContext) => Promise<TextModel>;

/**
 * The life of an engine worker: initialised, idle, one load, ready, end.
 *
 * It ends when its parent does, on SIGTERM, and when the engine fails. SIGINT is the parent's to act on.
 * `initialise` makes ready whatever needs no model; when it rejects, so does the start of the replica.
 */
export function runWorker(initialise: () => Promise<LoadModel>): void {
  let server: WorkerServer | null = null;
  let socketPath: string | null = null;
  const tell = (message: WorkerMessage): void => void process.send?.(message, () => undefined);

  // The parent may have gone while this program was still being read.
  if (process.connected !== true) process.exit(0);
  process.on('SIGINT', () => undefined);
  process.once('SIGTERM', () => void leave(new ApiError('SHUTTING_DOWN', 'the engine worker is stopping; try again'), 0));
  process.once('disconnect', () => {
    if (socketPath !== null) rmSync(dirname(socketPath), { recursive: true, force: true });
    process.kill(process.pid, 'SIGKILL');
  });
  process.once('uncaughtException', (error) => void fail(error));
  void initialise().then(wait).catch(fail);

  function wait(loadModel: LoadModel): void {
    process.once('message', (message) => void load(loadModel, message as LoadMessage).catch(fail));
    tell({ type: 'idle' });
  }

  async function load(loadModel: LoadModel, message: LoadMessage): Promise<void> {
    socketPath = message.socketPath;
    tell({ type: 'loading' });
    let [reported, reportedAtMs] = [0, -Infinity];
    const onProgress = (fraction: number): void => {
      const nowMs = workerClock.monotonicMs();
      if (fraction < 1 && (fraction < reported + 0.01 || nowMs < reportedAtMs + PROGRESS_EVERY_MS)) return;
      [reported, reportedAtMs] = [fraction, nowMs];
      tell({ type: 'progress', fraction });
    };
    const model = await loadModel(message.spec, { onProgress, extra: message.extra });
    server = new WorkerServer({ replicaId: message.spec.replicaId, model, clock: workerClock, onEngineFailure: (error) => void fail(error) });
    await server.listen(socketPath);
    tell({ type: 'ready', info: model.info });
  }

  async function fail(error: unknown): Promise<void> {
    const text = messageOf(error);
    writeLog('error', 'engine worker failed', { error: error instanceof Error ? (error.stack ?? text) : text });
    if (server === null) tell({ type: 'fatal', kind: isEngineError(error) ? error.kind : 'bad_model', message: text });
    await leave(new ApiError('WORKER_RESET', 'the engine failed while it answered; try again'), 1);
  }

  /** Native code may be in the middle of a decode, so the exit does not wait for it. */
  async function leave(error: ApiError, code: number): Promise<void> {
    const farewell = workerClock.sleep(FAREWELL_MS);
    await Promise.race([server?.shutDown(error) ?? (code === 0 ? Promise.resolve() : farewell), farewell]);
    process.exit(code);
  }
}
