import { Writable } from 'node:stream';
import winston from 'winston';
import { systemClock, type Clock } from '../clock.js';
import { currentCorrelation } from './correlation.js';
import { humanLine, jsonLine, type Line } from './line.js';
import { LogFile } from './log-file.js';
import { LOG_LEVELS, logTo, type Log, type LogLevel } from './log.js';

export interface LogOptions {
  readonly service: string;
  readonly level: LogLevel;
  /** JSON Lines files, appended to. */
  readonly files?: readonly string[];
  /** What standard error gets. */
  readonly console?: 'json' | 'human' | false;
  /** Defaults to `level`. */
  readonly consoleLevel?: LogLevel;
  /** Values that must never be written, such as the configured tokens. */
  readonly secrets?: readonly string[];
  readonly clock?: Clock;
  /** Standard error, unless a test reads along. */
  readonly consoleOut?: { write(text: string): unknown };
}

export interface DaemonLog extends Log {
  /** Resolves when every line is written; what comes later is not. */
  close(): Promise<void>;
}

/** The log of a process: JSON Lines with `ts`, `level`, `service`, `msg`, `correlation_id` and the fields. [P-07] */
export function createLog(options: LogOptions): DaemonLog {
  const clock = options.clock ?? systemClock;
  const secrets = options.secrets ?? [];
  const consoleOut = options.consoleOut ?? process.stderr;
  const files = (options.files ?? []).map((path) => new LogFile(path, { onTrouble: (problem) => consoleOut.write(`${problem}\n`) }));
  const consoleLevel = options.consoleLevel ?? options.level;
  const transports = [
    ...files.map((file) =>
      transport(
        (text) => file.write(text),
        options.level,
        (line) => jsonLine(line, secrets),
      ),
    ),
    ...(options.console === 'json'
      ? [
          transport(
            (text) => consoleOut.write(text),
            consoleLevel,
            (line) => jsonLine(line, secrets),
          ),
        ]
      : []),
    ...(options.console === 'human'
      ? [
          transport(
            (text) => consoleOut.write(text),
            consoleLevel,
            (line) => humanLine(line, secrets),
          ),
        ]
      : []),
  ];
  const logger = winston.createLogger({ levels: LEVELS, level: 'debug', transports, silent: transports.length === 0 });
  logger.on('error', (error: Error) => consoleOut.write(`log failed: ${error.message}\n`));

  const lowest = Math.max(files.length > 0 ? LEVELS[options.level] : -1, options.console ? LEVELS[consoleLevel] : -1);
  let isClosed = false;
  const write = (level: LogLevel, message: string, fields: object): void => {
    if (LEVELS[level] > lowest || isClosed) return;
    const line: Line = { atMs: clock.nowMs(), level, service: options.service, message, correlationId: currentCorrelation(), fields };
    logger.log({ level, message, line });
  };
  return {
    ...logTo(write, () => lowest >= LEVELS.debug),
    close: async () => {
      if (isClosed) return;
      isClosed = true;
      await new Promise<void>((resolve) => logger.once('finish', resolve).end());
      await Promise.all(files.map((file) => file.close()));
    },
  };
}

const LEVELS = Object.fromEntries(LOG_LEVELS.map((level, rank) => [level, rank])) as Record<LogLevel, number>;

/** The format sits on the transport: on the logger it would run for lines that no transport wants. */
function transport(write: (text: string) => unknown, level: LogLevel, render: (line: Line) => string) {
  const stream = new Writable({
    decodeStrings: false,
    write: (text: string, _encoding, done) => {
      write(text);
      done();
    },
  });
  const format = winston.format.printf((info) => render(info['line'] as Line));
  return new winston.transports.Stream({ stream, level, format, eol: '\n' });
}
