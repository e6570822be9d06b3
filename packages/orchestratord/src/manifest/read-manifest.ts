import { Manifest, validator, type Problem } from '@corral/contracts';
import { parseSource, type ConfigError, type SourceDocument } from '@corral/service-kit';
import { checkManifest } from './check-manifest.js';
import { fieldPath } from './field-path.js';
import type { ManifestProblem } from './manifest-error.js';
import { servedFrom } from './served-from.js';
import type { ServedManifest } from './served-manifest.js';

/** What the text of a manifest means: something to serve, or every problem it has. */
export type ReadManifest = { readonly kind: 'served'; readonly manifest: ServedManifest; lineOf(keys: readonly string[]): number | undefined } | { readonly kind: 'broken'; readonly problems: readonly ManifestProblem[] };

const validate = validator(Manifest);

/**
 * Reads a manifest, YAML or JSON. Relative sources are taken from `baseDir`. Never throws and touches no file.
 *
 * Unknown keys, doubled keys, wrong values and references that lead nowhere are problems with their line. [F-25]
 */
export function readManifest(text: string, path: string, baseDir: string): ReadManifest {
  const parsed = parse(text, path);
  if (parsed.kind === 'broken') return parsed;
  const { source } = parsed;
  const checked = validate(source.value ?? {});
  if (!checked.ok) return { kind: 'broken', problems: inOrder(checked.problems.map((p) => ofForm(p, source))) };
  const problems = checkManifest(checked.value, baseDir).map(({ keys, message }) => ({ line: source.lineOf(keys) ?? null, field: keys.join('.'), message }));
  if (problems.length > 0) return { kind: 'broken', problems: inOrder(problems) };
  return { kind: 'served', manifest: servedFrom(checked.value, path, baseDir), lineOf: (keys) => source.lineOf(keys) };
}

function parse(text: string, path: string): { readonly kind: 'parsed'; readonly source: SourceDocument } | Extract<ReadManifest, { kind: 'broken' }> {
  try {
    return { kind: 'parsed', source: parseSource(text, path) };
  } catch (error) {
    if (!isConfigError(error)) throw error;
    return { kind: 'broken', problems: error.problems.map(({ origin, field, message }) => ({ line: Number(/ line (\d+)$/.exec(origin ?? '')?.[1] ?? 0) || null, field, message })) };
  }
}

/** By name, not `instanceof`: two copies of the module must still agree. */
function isConfigError(error: unknown): error is ConfigError {
  return error instanceof Error && error.name === 'ConfigError';
}

const NAMES = /^(models|routes)\.[^]+$/;

function ofForm({ field, message, unknownKey }: Problem, source: SourceDocument): ManifestProblem {
  const keys = fieldPath(source.value, field);
  const isName = unknownKey !== undefined && keys.length === 2 && NAMES.test(field);
  const text = isName ? 'is not a name; use letters, digits and . _ : / @ + - after a letter or digit' : withNextStep(message);
  if (field === '') return { line: null, field: '', message: 'the file holds no sections by name; begin it with version: 1' };
  return { line: source.lineOf(keys) ?? null, field: keys.join('.'), message: text };
}

function withNextStep(message: string): string {
  if (message.includes(';')) return message;
  return message === 'is missing' ? 'is missing; add it' : `${message}; correct it there`;
}

function inOrder(problems: readonly ManifestProblem[]): ManifestProblem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}
