import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { environment } from './environment.js';

export interface ForkedDaemon {
  readonly url: string;
  readonly pid: number;
  /** SIGTERM, then SIGKILL after a minute. */
  stop(): Promise<void>;
}

/** Starts a program that says `{type: 'listening', url}` over its IPC channel, as both daemons do. */
export async function forkDaemon(program: string, env: Readonly<Record<string, string>>): Promise<ForkedDaemon> {
  const child = fork(program, { env: { ...environment(), ...env }, execArgv: [], stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said += text));
  const exited = once(child, 'exit');
  const first = await Promise.race([once(child, 'message'), exited.then(() => null)]);
  if (first === null) throw new Error(`${program} ended before it listened:\n${said}`);
  const { url } = first[0] as { readonly url: string };
  return { url, pid: child.pid ?? 0, stop: () => stop(child, exited) };
}

async function stop(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await exited;
  clearTimeout(force);
}
