import type { Clock } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where text goes. A stream of the process, or a list of strings in a test. */
export interface TextOut {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal; `undefined` where there is none. */
  readonly columns?: number | undefined;
}

export type SignalName = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** The process's signals. The returned function stops listening. */
export interface SignalPort {
  on(signal: SignalName, listener: () => void): () => void;
}

/** Everything of the process that a command may touch; only `main.ts` reads the process itself. */
export interface CliContext {
  readonly env: Environment;
  readonly homeDir: string;
  readonly workDir: string;
  readonly clock: Clock;
  readonly out: TextOut;
  readonly err: TextOut;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };
  /** The terminal for line editing; only used when `stdin` and `out` are both terminals. */
  readonly stdout: NodeJS.WritableStream;
  readonly signals: SignalPort;
  /** The terminal that the process was started on was closed. */
  readonly terminalIsGone: () => boolean;
  /** For what goes to `out`. */
  readonly colors: Colors;
  /** For what goes to `err`. */
  readonly errColors: Colors;
}
