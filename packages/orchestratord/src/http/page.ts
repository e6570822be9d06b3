import { ApiError } from '@corral/contracts';
import type { Request } from 'express';

/** The part of a list that a caller asked for. */
export interface PageRequest {
  readonly limit: number;
  /** As `next_cursor` of the page before gave it; null = from the start. */
  readonly cursor: string | null;
}

const LIMIT_DEFAULT = 100;
const LIMIT_MAX = 1_000;
const CURSOR_LONGEST = 512;

/** Reads `limit` and `cursor`. Throws INVALID_PARAMS. */
export function pageOf(req: Request): PageRequest {
  const { limit, cursor } = req.query;
  const size = limit === undefined ? LIMIT_DEFAULT : typeof limit === 'string' && /^\d{1,9}$/.test(limit) ? Number(limit) : 0;
  if (size < 1 || size > LIMIT_MAX) throw new ApiError('INVALID_PARAMS', `limit must be a number from 1 to ${LIMIT_MAX}`, { field: 'limit' });
  if (cursor !== undefined && (typeof cursor !== 'string' || cursor === '' || cursor.length > CURSOR_LONGEST)) throw badCursor();
  return { limit: size, cursor: cursor ?? null };
}

/** A filter of the query; null where it is not given. Throws INVALID_PARAMS where it is given twice. */
export function filterOf(req: Request, name: string): string | null {
  const value = req.query[name];
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '') throw new ApiError('INVALID_PARAMS', `${name} must be given once, and not empty`, { field: name });
  return value;
}

/** Refuses query parameters that the call does not know, so that a mistyped filter does not list everything. */
export function knownQuery(req: Request, names: readonly string[]): void {
  const unknown = Object.keys(req.query).find((name) => !names.includes(name));
  if (unknown !== undefined) throw new ApiError('INVALID_PARAMS', `there is no parameter ${unknown.slice(0, 64)}; use ${names.join(', ')}`, { field: unknown.slice(0, 64) });
}

/** One page of a list that stands in the order of its ids. What was deleted since the page before breaks nothing. */
export function pageIn<T>(items: readonly T[], idOf: (item: T) => string, { limit, cursor }: PageRequest): { readonly items: readonly T[]; readonly nextCursor: string | null } {
  const left = cursor === null ? items : items.filter((item) => idOf(item) > cursor);
  const shown = left.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown, nextCursor: last !== undefined && left.length > limit ? idOf(last) : null };
}

export function badCursor(): ApiError {
  return new ApiError('INVALID_PARAMS', 'cursor is not one that this list gave; leave it out to begin again', { field: 'cursor' });
}
