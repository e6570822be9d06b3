import type { Exit } from '../port.js';
import { reasonIn } from './last-words.js';

/** How the operating system reported the end of a process. */
export interface RawExit {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastWords: readonly string[];
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
  return { kind: 'crashed', error: describeExit(raw), code: raw.code, signal: raw.signal, lastWords: raw.lastWords };
}

/** One sentence on how a process ended and what it said last. */
export function describeExit(raw: RawExit): string {
  if (raw.startError !== undefined) return `the engine process could not be started: ${raw.startError}`;
  const reason = reasonIn(raw.lastWords);
  return `the engine process ended ${how(raw)}${reason === null ? ' and said nothing' : `; it said: ${reason}`}`;
}

function how({ code, signal }: RawExit): string {
  if (signal === 'SIGKILL') return 'by SIGKILL, which is how the kernel ends a process when memory runs out';
  if (signal === 'SIGABRT' || code === 134) return 'by an abort of its native code (SIGABRT)';
  if (signal === 'SIGSEGV' || signal === 'SIGBUS') return `by a fault of its native code (${signal})`;
  return signal === null ? `with exit code ${code}` : `by ${signal}`;
}
