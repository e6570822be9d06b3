import { tmpdir } from 'node:os';
import type { Clock } from '@corral/service-kit';
import { EngineError } from '../engine-error.js';
import type { EngineReplica, ReplicaInfo, ReplicaSpec, StartOptions } from '../port.js';
import { checkSpec } from './check-spec.js';
import type { LoadMessage, WorkerMessage } from './child-message.js';
import { forkChild, type Child } from './fork-child.js';
import { describeExit, judgeExit } from './judge-exit.js';
import { createSocketDir, type SocketDir } from './socket-dir.js';

/** How long a worker that gave up may take to leave. */
const FAREWELL_MS = 1_000;

/** The program of an engine worker. It speaks the messages of `child-message.ts` and serves its socket. */
export interface WorkerProgram {
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

/**
 * Starts one worker process and loads one model into it.
 *
 * Resolves when the worker's socket answers. When it rejects, or when `signal` aborts, the process is
 * gone and its socket with it. [C-23]
 */
export async function startReplica(spec: ReplicaSpec, program: WorkerProgram, options: StartOptions): Promise<EngineReplica> {
  options.signal.throwIfAborted();
  checkSpec(spec);
  const dir = await createSocketDir([tmpdir(), '/tmp']);
  const child = forkChild({ ...program, log: options.log.child({ replica_id: spec.replicaId }) });
  try {
    const info = await load(child, { type: 'load', spec, socketPath: dir.socketPath }, options);
    return superviseReplica({ spec, child, dir, info });
  } catch (error) {
    await child.end(0);
    await dir.remove();
    throw error;
  }
}

async function load(child: Child, message: LoadMessage, { signal, onProgress }: StartOptions): Promise<ReplicaInfo> {
  let onAbort = (): void => {};
  let loading = false;
  let gaveUp = false;
  try {
    return await new Promise<ReplicaInfo>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      void child.exited.then((raw) => gaveUp || reject(new EngineError(loading ? 'bad_model' : 'worker_failed', describeExit(raw), raw.lastWords)));
      child.listen((received) => {
        const event = received as WorkerMessage;
        if (event.type === 'progress') onProgress?.(event.fraction);
        else if (event.type === 'ready') resolve(event.info);
        else if (event.type === 'fatal') void rejectWithLastWords(event.kind, event.message);
        else {
          loading = true;
          child.send(message);
        }
      });

      async function rejectWithLastWords(kind: EngineError['kind'], text: string): Promise<void> {
        gaveUp = true;
        await child.end(FAREWELL_MS);
        const raw = await child.exited;
        reject(new EngineError(kind, text, raw.lastWords));
      }
    });
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function superviseReplica({ spec, child, dir, info }: { spec: ReplicaSpec; child: Child; dir: SocketDir; info: ReplicaInfo }): EngineReplica {
  let wasAsked = false;
  const exited = child.exited.then(async (raw) => {
    await dir.remove().catch(() => undefined);
    return judgeExit(raw, wasAsked);
  });
  return {
    replicaId: spec.replicaId,
    pid: child.pid,
    socketPath: dir.socketPath,
    info,
    exited,
    stop: async (graceMs) => {
      wasAsked = true;
      await child.end(graceMs);
      await exited;
    },
  };
}
