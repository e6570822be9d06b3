import { fork, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Environment } from '../cli-context.js';
import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';
import type { DaemonName } from './up-request.js';

export interface Launch {
  readonly name: DaemonName;
  /** Path of its program. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Environment;
  readonly listenWithinMs: number;
  /** A line that it wrote on standard output or error. */
  readonly onLine: (line: string) => void;
}

/** What a daemon says over IPC once it may be called. */
export interface Listening {
  readonly url: string;
  readonly pid: number;
}

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface DaemonProcess {
  /** 0 when it could not be started at all. */
  readonly pid: number;
  /** Rejects when it ends, or takes too long, before it listens. */
  readonly listening: Promise<Listening>;
  /** Never rejects. */
  readonly ended: Promise<Ended>;
  /** SIGTERM, then SIGKILL for all that is left of it. Resolves when it is gone. */
  terminate(withinMs: number): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** Daemon's exit code for a configuration that it refuses. */
const REFUSED_CONFIGURATION = 2;

/**
 * Forks a daemon in a process group of its own, so that a Ctrl-C in the terminal reaches `corral up` alone and the daemon
 * gets one signal, not two. It ends with this process, however that ends: it watches the IPC channel.
 */
export function launchDaemon(launch: Launch): DaemonProcess {
  const child = fork(launch.program, [...launch.args], {
    env: { ...launch.env },
    execArgv: [],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  });
  relayLines(child.stdout, launch.onLine);
  relayLines(child.stderr, launch.onLine);
  const ended = endOf(child);
  const listening = listeningOf(child, ended, launch);
  listening.catch(() => {});
  return {
    pid: child.pid ?? 0,
    listening,
    ended,
    signal: (name) => void child.kill(name),
    terminate: async (withinMs) => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => killGroup(child), withinMs);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** `close` comes after the last line that it wrote; grandchildren may hold the pipes, so it is not waited for without limit. */
function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('error', () => {
      if (child.pid === undefined) resolve({ code: 1, signal: null });
    });
    child.once('exit', (code, signal) => {
      const timer = setTimeout(() => resolve({ code, signal }), 500);
      child.once('close', () => {
        clearTimeout(timer);
        resolve({ code, signal });
      });
    });
  });
}

function listeningOf(child: ChildProcess, ended: Promise<Ended>, { name, listenWithinMs }: Launch): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      killGroup(child);
      reject(new CliFailure(`${name} did not listen within ${listenWithinMs / 1_000} s`, { next: 'corral logs shows what it was doing' }));
    }, listenWithinMs);
    child.on('message', (message) => {
      if (!isListening(message)) return;
      clearTimeout(timer);
      resolve({ url: message.url, pid: message.pid });
    });
    void ended.then((end) => {
      clearTimeout(timer);
      reject(endedEarly(name, end));
    });
  });
}

function endedEarly(name: DaemonName, end: Ended): CliFailure {
  const isWrongUse = end.code === REFUSED_CONFIGURATION;
  const next = isWrongUse ? `correct what ${name} names above and start again` : `${name} says why above, or corral logs does`;
  return new CliFailure(`${name} ended before it listened (${describeEnd(end)})`, {
    next,
    exitCode: isWrongUse ? EXIT.wrongUse : EXIT.failed,
  });
}

export function describeEnd({ code, signal }: Ended): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

function isListening(message: unknown): message is Listening & { readonly type: 'listening' } {
  const { type, url, pid } = (message ?? {}) as Record<string, unknown>;
  return type === 'listening' && typeof url === 'string' && typeof pid === 'number';
}

function relayLines(stream: Readable | null, onLine: (line: string) => void): void {
  if (stream === null) return;
  stream.on('error', () => {});
  createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
