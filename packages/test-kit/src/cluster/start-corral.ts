import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { environment } from './environment.js';
import { eventually } from './processes.js';

const CLI = fileURLToPath(new URL('../../../cli/dist/main.js', import.meta.url));

export interface CorralOptions {
  /** Written to a file and given as `--manifest`. JSON is YAML. */
  readonly manifest?: object;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Default: a directory of its own, removed by `stop`. */
  readonly stateDir?: string;
  /** Default: the built CLI. */
  readonly command?: readonly [string, ...string[]];
}

export interface ReadyEvent {
  readonly event: 'ready';
  readonly listener_url: string;
  readonly dashboard_url: string;
  readonly pool_urls: readonly string[];
  readonly pids: { readonly orchestratord: number; readonly pool_managerd: number };
  readonly pools: readonly { readonly pool_id: string; readonly ready: boolean; readonly last_error: string | null }[];
}

/** A running home profile: real daemons on free ports, as a user starts them. */
export interface Corral {
  readonly url: string;
  readonly poolUrl: string;
  readonly ready: ReadyEvent;
  readonly pid: number;
  readonly stateDir: string;
  /** Resolves with the text of `--ask`. */
  readonly answer: Promise<string>;
  /** Resolves with `{code, signal}` when the process is gone. */
  readonly exited: Promise<{ readonly code: number | null; readonly signal: string | null }>;
  stderr(): string;
  /** Lines of a daemon's log, parsed. */
  logs(daemon: 'orchestratord' | 'pool-managerd'): Promise<readonly Record<string, unknown>[]>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL after a minute; the state directory goes unless it was given. */
  stop(): Promise<void>;
}

/** How long a node may take to register on a busy machine. */
const REGISTERED_WITHIN_MS = 240_000;

/**
 * Starts `corral up --json`, waits for its `ready` event and then until a node has registered whose pools are
 * ready, or say why they are not. Rejects with what it said when it ends before.
 */
export async function startCorral(options: CorralOptions = {}): Promise<Corral> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'corral-')));
  const [program, ...before] = options.command ?? [process.execPath, CLI, 'up'];
  const args = [...before, '--json', '--state-dir', stateDir, '--port', '0', '--pool-port', '0'];
  if (options.manifest !== undefined) {
    const path = join(stateDir, 'corral.manifest.json');
    await writeFile(path, JSON.stringify(options.manifest));
    args.push('--manifest', path);
  }
  const child = spawn(program, [...args, ...(options.args ?? [])], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...environment(), ...options.env } });
  const said: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => said.push(text));
  const exited = once(child, 'exit').then(([code, signal]) => ({ code: code as number | null, signal: signal as string | null }));
  const events = readEvents(child);
  const ready = await Promise.race([events.ready, exited]);
  if (!('event' in ready)) {
    if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true });
    throw new Error(`corral up ended with ${ready.code ?? ready.signal} before it was ready:\n${said.join('')}`);
  }
  await eventually('a node registers', REGISTERED_WITHIN_MS, async () => {
    const token = options.env?.['LLORCH_API_TOKEN'] ?? (await readFile(join(stateDir, 'operator-token'), 'utf8')).trim();
    const { data } = (await (await fetch(new URL('/v2/pools', ready.listener_url), { headers: { authorization: `Bearer ${token}` } })).json()) as { readonly data: ReadyEvent['pools'] };
    return data.length > 0 && data.every((pool) => pool.ready || pool.last_error !== null);
  }).catch(async (error: unknown) => {
    await endOf(child, exited);
    throw error;
  });
  return {
    url: ready.listener_url,
    poolUrl: ready.pool_urls[0] ?? '',
    ready,
    pid: child.pid ?? 0,
    stateDir,
    answer: events.answer,
    exited,
    stderr: () => said.join(''),
    logs: async (daemon) => linesOf(await readFile(join(stateDir, 'logs', `${daemon}.jsonl`), 'utf8')),
    kill: (signal) => void child.kill(signal),
    stop: async () => {
      await endOf(child, exited);
      // What was killed may leave somebody who writes for a moment.
      if (options.stateDir === undefined) await rm(stateDir, { recursive: true, force: true, maxRetries: 10 });
    },
  };
}

function readEvents(child: ChildProcess): { readonly ready: Promise<ReadyEvent>; readonly answer: Promise<string> } {
  let onReady!: (event: ReadyEvent) => void;
  let onAnswer!: (text: string) => void;
  const ready = new Promise<ReadyEvent>((resolve) => (onReady = resolve));
  const answer = new Promise<string>((resolve) => (onAnswer = resolve));
  if (child.stdout !== null) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const event = JSON.parse(line) as ReadyEvent | { readonly event: 'answer'; readonly text: string };
      if (event.event === 'ready') onReady(event);
      else if (event.event === 'answer') onAnswer(event.text);
    });
  }
  return { ready, answer };
}

async function endOf(child: ChildProcess, exited: Promise<unknown>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 60_000);
  await exited;
  clearTimeout(force);
}

/** A line that is being written is none yet. */
function linesOf(text: string): Record<string, unknown>[] {
  return text.slice(0, text.lastIndexOf('\n') + 1).split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Record<string, unknown>);
}
