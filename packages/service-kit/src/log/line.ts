import type { LogLevel } from './log.js';
import { logReplacer, redactText } from './redact.js';

export interface Line {
  readonly atMs: number;
  readonly level: LogLevel;
  readonly service: string;
  readonly message: string;
  readonly correlationId: string | undefined;
  readonly fields: object;
}

/** One JSON object; the fixed names come first and win over a field of the same name. */
export function jsonLine(line: Line, secrets: readonly string[] = []): string {
  const fixed = { ts: new Date(line.atMs).toISOString(), level: line.level, service: line.service, msg: line.message };
  const correlation = line.correlationId === undefined ? {} : { correlation_id: line.correlationId };
  return redactText(stringified({ ...fixed, ...correlation, ...line.fields, ...fixed }, fixed), secrets);
}

/** For a terminal: `12:03:04 warn  node: pool is not ready pool_id=p1`. */
export function humanLine(line: Line, secrets: readonly string[] = []): string {
  const fields = Object.entries(line.fields).map(([name, value]) => `${name}=${shown(name, value)}`);
  const time = new Date(line.atMs).toISOString().slice(11, 19);
  return redactText([`${time} ${line.level.padEnd(5)} ${line.service}: ${line.message}`, ...fields].join(' '), secrets);
}

/** Of an error its text: the stack is in the file. */
function shown(name: string, value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  const text = stringified({ [name]: value }, { [name]: '[unprintable]' }).slice(JSON.stringify(name).length + 2, -1);
  return /^"[^\s"\\]+"$/.test(text) ? text.slice(1, -1) : text;
}

/** A field that refers to itself must not cost the line. */
function stringified(value: object, fallback: object): string {
  try {
    return JSON.stringify(value, logReplacer);
  } catch (error) {
    return JSON.stringify({ ...fallback, fields_lost: String(error) });
  }
}
