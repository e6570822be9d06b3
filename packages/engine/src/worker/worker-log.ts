type Level = 'debug' | 'info' | 'warn' | 'error';

/** One JSON line on standard error, which the parent captures. Facts in snake_case. */
export function writeLog(level: Level, message: string, fields: object = {}): void {
  process.stderr.write(`${JSON.stringify({ level, message, ...fields })}\n`);
}
