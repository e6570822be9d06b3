import { CliFailure } from '../cli-failure.js';
import { EXIT } from '../exit-code.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration such as `60s`, `1.5m` or `500ms`; a bare number is seconds. Throws wrong use. */
export function millisecondsOf(text: string, flag: string): number {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const unitMs = UNIT_MS[unit];
  if (amount === undefined || unitMs === undefined) throw new CliFailure(`${flag} ${text} is no duration`, { exitCode: EXIT.wrongUse, next: `write ${flag} 60s, 500ms or 5m` });
  return Math.round(Number(amount) * unitMs);
}
