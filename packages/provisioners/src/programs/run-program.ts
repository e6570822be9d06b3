import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { Clock } from '@corral/service-kit';

/** How a program ended and the end of what it said. `code` is `null` when a signal ended it. */
export interface ProgramEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run needs. The environment is the program's whole environment. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called with everything said so far on standard output. */
  readonly onStdout?: (text: string) => void;
}

const KEPT_CHARACTERS = 16_384;
const GRACE_MS = 2_000;

/**
 * Runs the program in a process group of its own. Descriptor 3 is a pipe from this process: when it closes,
 * because this process died in whatever way, the group kills itself, so that no download outlives its reason.
 * The shell itself outlasts SIGTERM, to collect what it started.
 */
const WATCHED = `
trap : TERM
"$@" 3<&- &
program=$!
{ read -r nothing <&3; kill -KILL 0; } &
watch=$!
while :; do
  wait "$program"
  code=$?
  kill -0 "$program" 2>/dev/null || break
done
kill -KILL "$watch" 2>/dev/null
wait "$watch" 2>/dev/null
exit "$code"
`;

/**
 * Runs a program to its end. Rejects with the signal's reason when that aborts, and then the whole process
 * group has been stopped: SIGTERM, SIGKILL after a grace. Output beyond a limit is dropped from its start.
 */
export async function runProgram(command: readonly string[], options: RunOptions): Promise<ProgramEnd> {
  options.signal.throwIfAborted();
  const child = spawn('/bin/sh', ['-c', WATCHED, 'sh', ...command], {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stdio[3]?.on('error', () => undefined);
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output.stdout = (output.stdout + text).slice(-KEPT_CHARACTERS);
    options.onStdout?.(output.stdout);
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    output.stderr = (output.stderr + text).slice(-KEPT_CHARACTERS);
  });
  const ended = new Promise<ProgramEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...output }));
  });
  const stop = () => stopGroup(child, ended, options.clock);
  options.signal.addEventListener('abort', stop, { once: true });
  try {
    const end = await ended;
    options.signal.throwIfAborted();
    return end;
  } finally {
    options.signal.removeEventListener('abort', stop);
  }
}

function stopGroup(child: ChildProcess, ended: Promise<unknown>, clock: Clock): void {
  const { pid } = child;
  if (pid === undefined) return;
  signalGroup(pid, 'SIGTERM');
  const isOver = new AbortController();
  void ended.catch(() => undefined).finally(() => isOver.abort());
  void clock.sleep(GRACE_MS, isOver.signal).then(
    () => {
      signalGroup(pid, 'SIGKILL');
      // A stray grandchild that left the group may hold the pipes; nobody reads them any longer.
      child.stdout?.destroy();
      child.stderr?.destroy();
    },
    () => undefined,
  );
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
