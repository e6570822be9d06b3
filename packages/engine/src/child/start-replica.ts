import { tmpdir } from 'node:os';
import { EngineError, isEngineError } from '../engine-error.js';
import type { EngineReplica, ParkedInfo, ReplicaInfo, ReplicaSpec, SavedPrefixes, StartOptions } from '../port.js';
import { callWorker } from './call-worker.js';
import { checkSpec } from './check-spec.js';
import { judgeExit } from './judge-exit.js';
import { createSocketDir, type SocketDir } from './socket-dir.js';
import { WorkerProcess, type WorkerProgram } from './worker-process.js';

/** The process of one load. */
interface LoadProcess {
  readonly worker: WorkerProcess;
  /** Another process may do better: this one was forked before the load was asked for, or its program is not used again. */
  readonly isReplaceable: boolean;
}

export interface StartMeans {
  /** Of a process that is forked for the load. */
  readonly program: () => WorkerProgram;
  /** A process that waits for a load; `null` when there is none. */
  readonly takeWaiting?: () => WorkerProcess | null;
  /** What the engine tells its own worker beside the spec; JSON. */
  readonly extra?: unknown;
}

/**
 * Loads one model into one worker process: one that waits, else one that is forked for it.
 *
 * Resolves when the worker's socket answers. When it rejects, or when `signal` aborts, the process is
 * gone and its socket with it. [C-23]
 */
export async function startReplica(spec: ReplicaSpec, means: StartMeans, options: StartOptions): Promise<EngineReplica> {
  options.signal.throwIfAborted();
  checkSpec(spec);
  const dir = await createSocketDir([tmpdir(), '/tmp']);
  try {
    for (;;) {
      const process = processFor(spec, means, options);
      const started = await startIn(process, { spec, dir, extra: means.extra ?? null }, options);
      if (started !== 'gone before it began') return started;
    }
  } catch (error) {
    await dir.remove();
    throw error;
  }
}

function processFor({ replicaId }: ReplicaSpec, { program, takeWaiting }: StartMeans, options: StartOptions): LoadProcess {
  const log = options.log.child({ replica_id: replicaId });
  const waiting = takeWaiting?.() ?? null;
  waiting?.child.logTo(log);
  if (waiting !== null) return { worker: waiting, isReplaceable: true };
  const chosen = program();
  return { worker: new WorkerProcess(chosen, log), isReplaceable: chosen.distrust !== undefined };
}

interface Load {
  readonly spec: ReplicaSpec;
  readonly dir: SocketDir;
  readonly extra: unknown;
}

async function startIn({ worker, isReplaceable }: LoadProcess, load: Load, { signal, onProgress }: StartOptions): Promise<EngineReplica | 'gone before it began'> {
  const { child } = worker;
  let hasBegun = false;
  const loaded = async (): Promise<ReplicaInfo> => {
    await worker.initialised;
    child.send({ type: 'load', spec: load.spec, socketPath: load.dir.socketPath, extra: load.extra });
    return await worker.hear(
      (message) => {
        if (message.type === 'loading') hasBegun = true;
        else if (message.type === 'progress') onProgress?.(message.fraction);
        return message.type === 'ready' ? message.info : undefined;
      },
      () => (hasBegun ? 'bad_model' : 'worker_failed'),
    );
  };
  try {
    return superviseReplica(worker, load, await unlessAborted(loaded(), signal));
  } catch (error) {
    await child.end(0);
    if (isReplaceable && !hasBegun && isEngineError(error) && !signal.aborted) return 'gone before it began';
    throw error;
  }
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // The process that it waits for is about to be ended.
    work.catch(() => undefined);
  }
}

function superviseReplica({ child }: WorkerProcess, { spec, dir }: Load, loaded: ReplicaInfo): EngineReplica {
  let wasAsked = false;
  let info = loaded;
  const exited = child.exited.then(async (raw) => {
    await dir.remove().catch(() => undefined);
    return judgeExit(raw, wasAsked);
  });
  return {
    replicaId: spec.replicaId,
    pid: child.pid,
    socketPath: dir.socketPath,
    get info() {
      return info;
    },
    exited,
    park: async () => {
      refuseParking(spec);
      return await callWorker<ParkedInfo>(child, dir.socketPath, { path: '/park' });
    },
    resume: async () => (info = await callWorker<ReplicaInfo>(child, dir.socketPath, { path: '/resume' })),
    savePrefixes: ({ maxBytes, signal }) => callWorker<SavedPrefixes>(child, dir.socketPath, { path: '/prefixes', body: { max_bytes: maxBytes }, ...(signal && { signal }) }),
    stop: async (graceMs) => {
      wasAsked = true;
      await child.end(graceMs);
      await exited;
    },
  };
}

/** Where the weights lie in a device's memory, a process without a context would hold nearly all that it did before. [C-242] */
function refuseParking({ replicaId, deviceKind }: ReplicaSpec): void {
  if (deviceKind !== 'cpu') throw new EngineError('device_unsupported', `replica ${replicaId} cannot be parked: its weights lie in the memory of a ${deviceKind} device; stop it instead`);
}
