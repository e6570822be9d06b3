export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;
/** By consequence: `error` = a person must act, `warn` = degraded but heals itself, `info` = once per request or state change. */
export type LogLevel = (typeof LOG_LEVELS)[number];

type Write = (message: string, fields?: object) => void;

/** The message is a constant, lower-case phrase; facts are fields in snake_case. */
export interface Log {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
  /** A log that adds `fields` to every line. */
  child(fields: object): Log;
  /** Guards a `debug` whose fields are costly to build. */
  isDebugEnabled(): boolean;
}

const nothing = (): void => {};

/** Says nothing. */
export const silentLog: Log = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
  isDebugEnabled: () => false,
};

/** Builds a log from one function that takes each line, with the fields of its parents merged in. */
export function logTo(
  write: (level: LogLevel, message: string, fields: object) => void,
  isDebugEnabled: () => boolean,
  inherited: object = {},
): Log {
  const at = (level: LogLevel) => (message: string, fields?: object) =>
    write(level, message, fields === undefined ? inherited : { ...inherited, ...fields });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => logTo(write, isDebugEnabled, { ...inherited, ...fields }),
    isDebugEnabled,
  };
}

export interface RecordedLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: object;
}

/** Keeps every line in memory, for tests. */
export function recordingLog(): { readonly log: Log; readonly lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  return {
    log: logTo(
      (level, message, fields) => lines.push({ level, message, fields }),
      () => true,
    ),
    lines,
  };
}
