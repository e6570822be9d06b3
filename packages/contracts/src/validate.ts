import type { Static, TSchema } from '@sinclair/typebox';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';

/** One thing that is wrong with an input. `field` is dotted, `''` for the whole. */
export interface Problem {
  readonly field: string;
  readonly message: string;
  /** Set when the problem is a key that the schema does not know. */
  readonly unknownKey?: string;
}

export type Validated<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] };
export type Validator<T> = (input: unknown) => Validated<T>;

const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false, strictRequired: false, verbose: true });
ajv.addFormat('date-time', { type: 'string', validate: (text: string) => !Number.isNaN(Date.parse(text)) });

/** Compiles a schema once; the validator never changes its input and reports every problem. */
export function validator<S extends TSchema>(schema: S): Validator<Static<S>> {
  let check: ValidateFunction | undefined;
  return (input) => {
    check ??= ajv.compile(schema);
    if (check(input)) return { ok: true, value: input as Static<S> };
    return { ok: false, problems: problemsOf(check.errors ?? []) };
  };
}

/** All problems in one line, for a log or an exception. */
export function describeProblems(problems: readonly Problem[]): string {
  return problems.map((p) => (p.field === '' ? p.message : `${p.field}: ${p.message}`)).join('; ');
}

/** A union reports every branch that failed: the deepest say most, so only those stay. */
function problemsOf(errors: readonly ErrorObject[]): Problem[] {
  const unions = errors.filter((e) => e.keyword === 'anyOf').map((e) => e.instancePath);
  const kept = errors.filter((e) => !unions.some((path) => belongsToUnion(e, path)));
  const merged = [...kept.map(problemOf), ...unions.map((path) => unionProblem(path, errors))];
  return merged.filter((p, n) => merged.findIndex((q) => q.field === p.field && q.message === p.message) === n);
}

function belongsToUnion(error: ErrorObject, path: string): boolean {
  return error.instancePath === path || error.instancePath.startsWith(`${path}/`);
}

function unionProblem(path: string, errors: readonly ErrorObject[]): Problem {
  const inside = errors.filter((e) => e.keyword !== 'anyOf' && e.instancePath.startsWith(`${path}/`));
  const deepest = inside.toSorted((a, b) => depth(b) - depth(a)).find((e) => e.keyword !== 'const');
  if (deepest !== undefined) return problemOf(deepest);
  const constants = errors.filter((e) => e.keyword === 'const' && e.instancePath === path).map((e) => JSON.stringify(e.params['allowedValue']));
  if (constants.length > 0) return { field: dotted(path), message: `must be one of ${constants.join(', ')}` };
  const types = errors.filter((e) => e.keyword === 'type' && e.instancePath === path).map((e) => String(e.params['type']));
  const ranged = errors.find((e) => e.instancePath === path && !['type', 'anyOf', 'const'].includes(e.keyword));
  if (ranged !== undefined) return problemOf(ranged);
  return { field: dotted(path), message: types.length > 0 ? `must be ${[...new Set(types)].join(' or ')}` : 'has a form that is not known' };
}

const depth = (error: ErrorObject): number => error.instancePath.split('/').length;

function problemOf(error: ErrorObject): Problem {
  const at = dotted(error.instancePath);
  if (error.keyword === 'additionalProperties') {
    const key = String(error.params['additionalProperty']);
    const known = Object.keys((error.parentSchema?.['properties'] as object | undefined) ?? {});
    return { field: at === '' ? key : `${at}.${key}`, unknownKey: key, message: `unknown field; known are ${known.join(', ')}` };
  }
  if (error.keyword === 'required') {
    const key = String(error.params['missingProperty']);
    return { field: at === '' ? key : `${at}.${key}`, message: 'is missing' };
  }
  if (error.keyword === 'const') return { field: at, message: `must be ${JSON.stringify(error.params['allowedValue'])}` };
  if (error.keyword === 'enum') return { field: at, message: `must be one of ${JSON.stringify(error.params['allowedValues'])}` };
  return { field: at, message: error.message ?? 'is wrong' };
}

function dotted(pointer: string): string {
  return pointer.split('/').slice(1).map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~')).join('.');
}
