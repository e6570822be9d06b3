/**
 * Whether `actual` reaches `minimum`, both dotted numbers such as `8.6`, compared number by number (`12.0` > `8.10` > `8.9`).
 *
 * Anything unset or not a dotted number is unknown, and unknown never fails.
 */
export function isAtLeast(actual: string | undefined, minimum: string | undefined): boolean {
  if (actual === undefined || minimum === undefined || actual === minimum) return true;
  const have = parts(actual);
  const need = parts(minimum);
  if (have.some(Number.isNaN) || need.some(Number.isNaN)) return true;
  const differing = need.findIndex((number, i) => number !== (have[i] ?? 0));
  return differing === -1 || (have[differing] ?? 0) > (need[differing] ?? 0);
}

function parts(version: string): readonly number[] {
  return version.split('.').map((part) => (part === '' ? NaN : Number(part)));
}
