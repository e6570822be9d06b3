import type { ApiFailure } from '../api/api-failure.js';
import type { ApiResult } from '../api/api-client.js';

/** The last numbers that came, and what went wrong since; a failure never takes numbers away. [U-03] */
export interface Reading<T> {
  readonly value: T | null;
  /** When `value` came, on the page's clock. */
  readonly atMs: number | null;
  /** Set while the last try failed. */
  readonly failure: ApiFailure | null;
}

export const NOTHING_READ: Reading<never> = { value: null, atMs: null, failure: null };

export function readAgain<T>(reading: Reading<T>, result: ApiResult<T>, atMs: number): Reading<T> {
  return result.ok ? { value: result.value, atMs, failure: null } : { ...reading, failure: result.failure };
}

/** What was never read is gone too, when whoever reads may no longer. */
export function withoutValue<T>(reading: Reading<T>): Reading<T> {
  return { value: null, atMs: null, failure: reading.failure };
}
