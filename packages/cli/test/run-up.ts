import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { UpRequest, UpTimes } from '../src/up/up-request.js';

export interface StandInEvent {
  readonly name: 'orchestratord' | 'pool-managerd';
  readonly what: 'start' | 'SIGHUP' | 'SIGTERM';
  readonly pid: number;
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
  readonly atMs?: number;
}

export interface RunningUp {
  readonly pid: number;
  readonly stateDir: string;
  out(): string;
  err(): string;
  /** What happened to the stand-in daemons, in order. */
  events(): Promise<StandInEvent[]>;
  kill(signal: NodeJS.Signals): void;
  /** Exit code, or the signal's name. */
  readonly exited: Promise<number | NodeJS.Signals | null>;
}

export interface UpOptions {
  readonly request?: Partial<UpRequest>;
  readonly times?: Partial<UpTimes>;
  readonly env?: Record<string, string>;
  /** How the stand-ins behave. */
  readonly standIn?: object;
}

const RUNNER = fileURLToPath(new URL('up-runner.mjs', import.meta.url));

/** A folder for one test and everything that it starts; `end` leaves nothing of either. */
export class UpRig {
  readonly #dir: Promise<string> = mkdtemp(join(tmpdir(), 'corral-up-'));
  readonly #children: ChildProcess[] = [];

  /** Free ports unless the request names some. */
  async start({ request = {}, times = {}, env = {}, standIn = {} }: UpOptions = {}): Promise<RunningUp> {
    const dir = await this.#dir;
    const log = join(dir, `events-${this.#children.length}.jsonl`);
    const stateDir = request.stateDir ?? join(dir, 'state');
    const child = spawn(
      process.execPath,
      [RUNNER, JSON.stringify({ request: { port: 0, poolPort: 0, ...request, stateDir }, times: { poolsWithinMs: 0, ...times } })],
      {
        env: { PATH: process.env['PATH'], HOME: dir, ...env, STAND_IN: JSON.stringify(standIn), STAND_IN_LOG: log },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.#children.push(child);
    const texts = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text));
    const exited = new Promise<number | NodeJS.Signals | null>((resolve) => child.once('close', (code, signal) => resolve(signal ?? code)));
    return {
      pid: child.pid ?? 0,
      stateDir,
      out: () => texts.out,
      err: () => texts.err,
      exited,
      kill: (signal) => void child.kill(signal),
      events: () => eventsIn(log),
    };
  }

  async path(name: string): Promise<string> {
    return join(await this.#dir, name);
  }

  async end(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await gone;
    }
    await rm(await this.#dir, { recursive: true, force: true });
  }
}

async function eventsIn(log: string): Promise<StandInEvent[]> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as StandInEvent);
}
