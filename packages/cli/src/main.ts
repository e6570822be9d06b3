#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isatty } from 'node:tty';
import picocolors from 'picocolors';
import type { CliContext, SignalPort, TextOut } from './cli-context.js';
import { addCompletion } from './completion.js';
import { runCli } from './run-cli.js';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

const out = textOut(process.stdout);
const err = textOut(process.stderr);
const errColors = colorsFor(err);

process.exitCode = await runCli({ version, argv: process.argv.slice(2), context, out, err, errColors, complete: addCompletion });

async function context(): Promise<CliContext> {
  const { systemClock } = await import('@corral/service-kit');
  const wasTerminal = isatty(0);
  return {
    env: process.env,
    homeDir: homedir(),
    workDir: process.cwd(),
    clock: systemClock,
    out,
    err,
    stdin: process.stdin,
    stdout: process.stdout,
    signals: processSignals(),
    terminalIsGone: () => wasTerminal && !isatty(0),
    colors: colorsFor(out),
    errColors,
  };
}

/** A reader that went away, such as `head`, wants no more: that is no failure. */
function textOut(stream: NodeJS.WriteStream): TextOut {
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

function colorsFor({ isTerminal }: TextOut): CliContext['colors'] {
  const isWanted = isTerminal && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
  return picocolors.createColors(isWanted);
}

function processSignals(): SignalPort {
  return {
    on: (signal, listener) => {
      process.on(signal, listener);
      return () => void process.off(signal, listener);
    },
  };
}
