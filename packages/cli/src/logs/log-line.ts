import { LOG_LEVELS, type LogLevel } from '@corral/service-kit';
import type { Colors } from 'picocolors/types.js';

/** One line of a daemon's log file. */
export interface LogLine {
  /** As it stands in the file, without the newline. */
  readonly raw: string;
  /** Unix milliseconds; `undefined` for a line without a time, such as one cut by a crash. */
  readonly atMs: number | undefined;
  readonly level: LogLevel | undefined;
  readonly service: string;
  readonly message: string;
  readonly correlationId: string | undefined;
  /** What else the line says, in its order. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface LogFilter {
  /** This level and what is graver. */
  readonly level?: LogLevel | undefined;
  readonly correlationId?: string | undefined;
}

/** Reads a line; one that is no JSON object keeps its text as message. [P-07] */
export function parseLogLine(raw: string): LogLine {
  const value = objectIn(raw);
  if (value === undefined)
    return { raw, atMs: undefined, level: undefined, service: '', message: raw, correlationId: undefined, fields: {} };
  const { ts, level, service, msg, correlation_id: correlationId, ...fields } = value;
  const atMs = Date.parse(String(ts));
  return {
    raw,
    atMs: Number.isNaN(atMs) ? undefined : atMs,
    level: LOG_LEVELS.find((known) => known === level),
    service: textOf(service) ?? '',
    message: textOf(msg) ?? '',
    correlationId: textOf(correlationId),
    fields,
  };
}

/** A line whose level is not known passes every level: it may be the one that matters. */
export function passes(line: LogLine, { level, correlationId }: LogFilter): boolean {
  if (correlationId !== undefined && line.correlationId !== correlationId) return false;
  if (level === undefined || line.level === undefined) return true;
  return LOG_LEVELS.indexOf(line.level) <= LOG_LEVELS.indexOf(level);
}

/** For people: local time, level, who, what, then the facts, each cut after `factCharsMax`. */
export function prettyLine(line: LogLine, colors: Colors, factCharsMax = Infinity): string {
  if (line.atMs === undefined && line.service === '') return line.raw;
  const time = line.atMs === undefined ? '--:--:--.---' : localTime(line.atMs);
  const facts = Object.entries({ ...line.fields, ...(line.correlationId === undefined ? {} : { correlation_id: line.correlationId }) });
  const shown = facts.map(([name, value]) => colors.dim(`${name}=${cut(factText(value), factCharsMax)}`));
  return [colors.dim(time), painted(line.level, colors), colors.cyan(`${line.service}:`), line.message, ...shown].join(' ');
}

function painted(level: LogLevel | undefined, colors: Colors): string {
  const text = (level ?? '-').padEnd(5);
  if (level === 'error') return colors.red(text);
  return level === 'warn' ? colors.yellow(text) : text;
}

function localTime(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

function cut(text: string, charsMax: number): string {
  return text.length > charsMax ? `${text.slice(0, charsMax)}…` : text;
}

function factText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
}

function objectIn(raw: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
