import type { Exit, ExitReason } from '../port.js';
import { reasonIn } from './last-words.js';

/** How the operating system reported the end of a process. */
export interface RawExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastWords: readonly string[];
  /** Whether the kernel ended it for want of memory; `null` or absent when nobody can tell. */
  readonly wasOomKilled?: boolean | null;
  /** The process could not be started at all. */
  readonly startError?: string;
}

/**
 * Turns an exit into the verdict that the owner of a replica acts on.
 *
 * An exit that was asked for is `stopped` however it went, and so is code 0; all else is a crash. [C-122]
 */
export function judgeExit(raw: RawExit, wasAsked: boolean): Exit {
  if (wasAsked || raw.code === 0) return { kind: 'stopped' };
  return { kind: 'crashed', reason: exitReason(raw), error: describeExit(raw), code: raw.code, signal: raw.signal, lastWords: raw.lastWords };
}

/** Words of drivers that have lost their device or reset it: a worker that is started at once meets the same. */
const DEVICE_LOST = /CUDA error|cudaError|device ?lost|DEVICE_LOST|hipError|\bXid\b/i;

/** Tells the ends of processes apart, the most telling sign first. [C-172] */
export function exitReason(raw: RawExit): ExitReason {
  if (raw.wasOomKilled === true) return 'oom';
  if (raw.code !== 0 && raw.lastWords.some((line) => DEVICE_LOST.test(line))) return 'device';
  if (raw.signal === 'SIGABRT' || raw.code === 134) return 'abort';
  if (raw.signal === 'SIGSEGV' || raw.signal === 'SIGBUS' || raw.signal === 'SIGILL' || raw.signal === 'SIGFPE') return 'segfault';
  if (raw.signal === 'SIGKILL') return 'sigkill';
  if (raw.signal === 'SIGTERM') return 'sigterm';
  return raw.signal === null ? 'exit' : 'signal';
}

/** One sentence on how a process ended and what it said last. */
export function describeExit(raw: RawExit): string {
  if (raw.startError !== undefined) return `the engine process could not be started: ${raw.startError}`;
  const reason = reasonIn(raw.lastWords);
  return `the engine process ended ${how(raw)}${reason === null ? ' and said nothing' : `; it said: ${reason}`}`;
}

function how({ code, signal, wasOomKilled }: RawExit): string {
  if (wasOomKilled === true) return 'because the kernel ran out of memory and killed it (OOM)';
  if (signal === 'SIGKILL') return wasOomKilled === false ? 'because somebody killed it (SIGKILL)' : 'by SIGKILL, which is how the kernel ends a process when memory runs out';
  if (signal === 'SIGABRT' || code === 134) return 'by an abort of its native code (SIGABRT)';
  if (signal === 'SIGSEGV' || signal === 'SIGBUS' || signal === 'SIGILL' || signal === 'SIGFPE') return `by a fault of its native code (${signal})`;
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}
