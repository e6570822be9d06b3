import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Clock, Log } from '@corral/service-kit';
import { messageOf } from '../message-of.js';
import type { RawExit } from './judge-exit.js';
import { LastWords } from './last-words.js';
import { systemOomKills } from './oom-kills.js';

/** How long output may still come after the exit, when a grandchild holds the pipes. */
const OUTPUT_GRACE_MS = 200;

/** The kernel counts for all children together. */
const oomKills = systemOomKills();

export interface ChildOptions {
  /** Path of the script. */
  readonly entry: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
}

/** One child process with a message channel. */
export interface Child {
  /** 0 when it could not be started; `exited` says why. */
  readonly pid: number;
  /** Settles once, after the process is gone, and never rejects. */
  readonly exited: Promise<RawExit>;
  send(message: object): void;
  /** Where the lines go that it writes from now on. */
  logTo(log: Log): void;
  /** Replaces the listener. Messages that came before the first one are not lost. */
  listen(listener: (message: unknown) => void): void;
  /** Somebody asked for its end. */
  readonly wasEnded: boolean;
  /** SIGTERM, then SIGKILL after `graceMs` (at once when 0). The process is gone when it resolves. */
  end(graceMs: number): Promise<void>;
}

/**
 * Forks a script with its output captured.
 *
 * The script must exit when its channel disconnects: that is how nothing outlives the parent.
 */
export function forkChild({ entry, args, env, clock, log }: ChildOptions): Child {
  const child = fork(entry, [...args], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [], env: { ...env }, serialization: 'json' });
  oomKills.begin();
  const words = new LastWords();
  let linesTo = log;
  let wasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      for (const line of words.push(text)) linesTo.debug('engine process said', { pid: child.pid, line });
    });
  }
  const early: unknown[] = [];
  let listener = (message: unknown): void => void early.push(message);
  child.on('message', (message) => listener(message));

  const exited = observeExit();
  return {
    pid: child.pid ?? 0,
    exited,
    send: (message) => void (child.connected && child.send(message, () => undefined)),
    logTo: (next) => {
      linesTo = next;
    },
    listen: (next) => {
      listener = next;
      for (const message of early.splice(0)) next(message);
    },
    get wasEnded() {
      return wasEnded;
    },
    end: async (graceMs) => {
      wasEnded = true;
      if (graceMs > 0) {
        child.kill('SIGTERM');
        const cutOff = new AbortController();
        const grace = clock.sleep(graceMs, cutOff.signal).then(() => child.kill('SIGKILL'), () => undefined);
        await exited;
        cutOff.abort();
        await grace;
      } else {
        child.kill('SIGKILL');
        await exited;
      }
    },
  };

  async function observeExit(): Promise<RawExit> {
    const closed = once(child, 'close').catch(() => undefined);
    try {
      const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
      const wasOomKilled = oomKills.end(signal);
      const cutOff = new AbortController();
      await Promise.race([closed, clock.sleep(OUTPUT_GRACE_MS, cutOff.signal).catch(() => undefined)]);
      cutOff.abort();
      return { code, signal, lastWords: words.lines, wasOomKilled };
    } catch (error) {
      oomKills.end(null);
      return { code: null, signal: null, lastWords: words.lines, startError: messageOf(error) };
    }
  }
}
