import type { Colors } from 'picocolors/types.js';
import { parseLogLine, passes, prettyLine } from '../logs/log-line.js';
import type { DaemonName } from './up-request.js';

const LINE_CHARS_MAX = 16_000;
/** Of each fact; the log file has it whole. */
const FACT_CHARS_MAX = 120;

/**
 * A line that a daemon wrote, as standard error shows it; `undefined` for a log line below `warn`, which its log file has.
 * What is no log line is shown whole: it is a daemon's last words. [P-07]
 */
export function daemonLine(name: DaemonName, raw: string, colors: Colors): string | undefined {
  if (raw.trim() === '') return undefined;
  const line = parseLogLine(raw.slice(0, LINE_CHARS_MAX));
  if (line.level === undefined) return line.raw.startsWith(name) ? line.raw : `${name}: ${line.raw}`;
  return passes(line, { level: 'warn' }) ? prettyLine(line, colors, FACT_CHARS_MAX) : undefined;
}
