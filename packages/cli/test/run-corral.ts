import { EventEmitter } from 'node:events';
import { PassThrough, Readable, Writable } from 'node:stream';
import picocolors from 'picocolors';
import { systemClock } from '@corral/service-kit';
import type { CliContext, Environment, SignalName } from '../src/cli-context.js';
import { runCli } from '../src/run-cli.js';

const plain = picocolors.createColors(false);

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Environment;
  readonly stdin?: string;
  /** Told what standard output has so far, with a way to send a signal. */
  readonly onOut?: (text: string, signal: (name: SignalName) => void) => void;
  readonly clock?: CliContext['clock'];
}

/** A context whose texts are kept; no terminal, no colours. */
export function aContext(changes: Partial<CliContext> = {}): CliContext {
  return {
    env: {},
    homeDir: '/home/u',
    workDir: '/srv',
    clock: systemClock,
    out: { write: () => {}, isTerminal: false },
    err: { write: () => {}, isTerminal: false },
    stdin: Readable.from([]),
    stdout: new Writable({ write: (_c, _e, done) => done() }),
    signals: { on: () => () => {} },
    terminalIsGone: () => false,
    colors: plain,
    errColors: plain,
    ...changes,
  };
}

/** Runs a command line in this process. */
export async function runCorral(
  argv: readonly string[],
  { env = {}, stdin = '', onOut, clock = systemClock }: RunOptions = {},
): Promise<Ran> {
  const signals = new EventEmitter();
  let out = '';
  let err = '';
  const write = (text: string): void => {
    out += text;
    onOut?.(out, (name) => void signals.emit(name));
  };
  const writeErr = (text: string): void => void (err += text);
  const input = new PassThrough();
  input.end(stdin);
  const context = aContext({
    env,
    clock,
    stdin: input,
    out: { write, isTerminal: false },
    err: { write: writeErr, isTerminal: false },
    signals: { on: (name, listener) => (signals.on(name, listener), () => void signals.off(name, listener)) },
  });
  const code = await runCli({
    version: '9.8.7',
    argv,
    context: () => Promise.resolve(context),
    out: { write },
    err: { write: writeErr },
    errColors: plain,
    complete: () => {},
  });
  return { code, out, err };
}
