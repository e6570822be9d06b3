import { join } from 'node:path';
import { LOG_LEVELS, type LogLevel } from '@corral/service-kit';
import type { CliContext } from '../cli-context.js';
import { CliFailure, wrongUse } from '../cli-failure.js';
import { prettyLine, type LogLine } from '../logs/log-line.js';
import { LogTail } from '../logs/log-tail.js';
import { stateDirOf } from '../state-dir.js';
import type { Globals } from './globals.js';

export interface LogsOptions extends Globals {
  readonly follow?: boolean | undefined;
  readonly lines: string;
  readonly level?: string | undefined;
  readonly correlation?: string | undefined;
  readonly stateDir?: string | undefined;
}

const POLL_MS = 250;

/** `corral logs`: the lines of both daemons by time; with `--json` as they stand in the files. */
export async function logs(context: CliContext, options: LogsOptions): Promise<void> {
  const folder = join(stateDirOf(context, options.stateDir), 'logs');
  const tail = new LogTail(folder, { level: levelOf(options.level), correlationId: options.correlation });
  const print = (lines: readonly LogLine[]): void => {
    for (const line of lines) context.out.write(`${options.json ? line.raw : prettyLine(line, context.colors)}\n`);
  };
  try {
    print(await tail.last(countOf(options.lines)));
    if (options.follow === true) await follow(context, tail, print);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CliFailure(`there are no logs in ${folder}`, {
      next: 'start the daemons with scripts/up, or name their state directory with --state-dir',
    });
  } finally {
    await tail.close();
  }
}

/** Until SIGINT or SIGTERM. */
async function follow({ clock, signals }: CliContext, tail: LogTail, print: (lines: readonly LogLine[]) => void): Promise<void> {
  const stopped = new AbortController();
  const off = (['SIGINT', 'SIGTERM'] as const).map((signal) => signals.on(signal, () => stopped.abort()));
  while (!stopped.signal.aborted) {
    print(await tail.next());
    await clock.sleep(POLL_MS, stopped.signal).catch(() => {});
  }
  for (const end of off) end();
}

function levelOf(text: string | undefined): LogLevel | undefined {
  const level = LOG_LEVELS.find((known) => known === text);
  if (text !== undefined && level === undefined) throw wrongUse(`--level ${text} is no level`, `use one of ${LOG_LEVELS.join(', ')}`);
  return level;
}

function countOf(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw wrongUse(`--lines ${text} is no number of lines`, 'give a number such as 100');
  return Number(text);
}
