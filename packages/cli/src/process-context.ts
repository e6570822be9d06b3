import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';
import type { CliContext, Environment, SignalPort, TextOut } from './cli-context.js';

/** This process as the commands see it. */
export async function processContext(env: Environment): Promise<CliContext> {
  const { systemClock } = await import('@corral/service-kit');
  const wasTerminal = isatty(0);
  const out = textOut(process.stdout);
  const err = textOut(process.stderr);
  return {
    env,
    homeDir: homedir(),
    workDir: process.cwd(),
    clock: systemClock,
    out,
    err,
    stdin: process.stdin,
    stdout: process.stdout,
    signals: processSignals,
    terminalIsGone: () => wasTerminal && !isatty(0),
    colors: colorsFor(out, env),
    errColors: colorsFor(err, env),
  };
}

/** A reader that went away, such as `head`, wants no more: that is no failure. */
export function textOut(stream: NodeJS.WriteStream): TextOut {
  let isOpen = true;
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
    isOpen = false;
  });
  return {
    write: (text) => void (isOpen && stream.write(text)),
    isTerminal: stream.isTTY,
    get columns() {
      return stream.isTTY ? stream.columns : undefined;
    },
  };
}

/** Colours on a terminal only, and none where NO_COLOR says so. */
export function colorsFor({ isTerminal }: Pick<TextOut, 'isTerminal'>, env: Environment): CliContext['colors'] {
  return picocolors.createColors(isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb');
}

const processSignals: SignalPort = {
  on: (signal, listener) => {
    process.on(signal, listener);
    return () => void process.off(signal, listener);
  },
};
