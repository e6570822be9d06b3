import { ApiError, type Problem, type Validator } from '@corral/contracts';
import type { IncomingMessage } from 'node:http';
import { isPlainObject } from '../config/pointer.js';
import { contextOf } from './request-context.js';

const PROBLEMS_SHOWN = 8;

/** A refusal that names the first field and lists what is wrong. [B-03] */
export function invalidParams(problems: readonly Problem[]): ApiError {
  const shown = problems
    .slice(0, PROBLEMS_SHOWN)
    .map(({ field, message }) => (field === '' ? `the body ${message}` : `${field}: ${message}`));
  const more = problems.length - shown.length;
  const message = `${shown.join('; ')}${more > 0 ? `; and ${more} more` : ''}`;
  const field = problems.find((problem) => problem.field !== '')?.field;
  return new ApiError('INVALID_PARAMS', message, field === undefined ? {} : { field });
}

/** The JSON body as the validator's type. Throws INVALID_PARAMS; unknown fields are problems. */
export function body<T>(check: Validator<T>, req: IncomingMessage): T {
  return checked(check, bodyValue(req));
}

/** As {@link body}, but no body counts as `{}`. */
export function optionalBody<T>(check: Validator<T>, req: IncomingMessage): T {
  return checked(check, contextOf(req).body?.value ?? {});
}

/**
 * As {@link body}, but top-level fields that the schema does not know are left out and returned in `ignored`.
 * Unknown fields further inside are still problems.
 */
export function lenientBody<T>(check: Validator<T>, req: IncomingMessage): { readonly value: T; readonly ignored: readonly string[] } {
  const sent = bodyValue(req);
  const first = check(sent);
  if (first.ok) return { value: first.value, ignored: [] };
  const unknown = first.problems.flatMap(({ field, unknownKey }) => (unknownKey !== undefined && field === unknownKey ? [unknownKey] : []));
  if (unknown.length === 0 || !isPlainObject(sent)) throw invalidParams(first.problems);
  const known = Object.fromEntries(Object.entries(sent).filter(([key]) => !unknown.includes(key)));
  return { value: checked(check, known), ignored: unknown };
}

function checked<T>(check: Validator<T>, value: unknown): T {
  const result = check(value);
  if (result.ok) return result.value;
  throw invalidParams(result.problems);
}

function bodyValue(req: IncomingMessage): unknown {
  const sent = contextOf(req).body;
  if (sent === undefined) throw new ApiError('INVALID_PARAMS', 'the body is missing; send JSON with "Content-Type: application/json"');
  return sent.value;
}
