import { validator, type Problem } from '@corral/contracts';
import type { Static, TObject } from '@sinclair/typebox';
import { coerceText, prepare } from './coerce.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import type { SourceDocument } from './document.js';
import { dotted, isPlainObject, keysOf, setAt } from './pointer.js';
import { nodeAt, nodeOf, type SchemaNode } from './schema.js';

/** Variable name → JSON pointer of the setting; with aliases, the first that is set wins. */
export type EnvironmentMap = Readonly<Record<string, string | { readonly pointer: string; readonly aliases: readonly string[] }>>;

export interface FlagValue {
  /** As the user wrote it, such as `--manifest`. */
  readonly flag: string;
  readonly pointer: string;
  readonly text: string;
}

export interface ConfigSources {
  readonly file?: SourceDocument | undefined;
  /** For a file shared with other programs: ours is `name`, the `others` are skipped. A file without any of them is all ours. */
  readonly section?: { readonly name: string; readonly others: readonly string[] };
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly FlagValue[];
}

export interface ConfigSpec<S extends TObject> {
  readonly schema: S;
  readonly environment: EnvironmentMap;
  /** Rules between settings; runs when each setting is right by itself. */
  check?(config: Static<S>): readonly ConfigProblem[];
}

export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/**
 * Merges flag > environment > file > default, and freezes the result. An empty variable counts as not set.
 *
 * Throws one {@link ConfigError} with every problem, each with the line, variable or flag it came from. [P-04]
 */
export function loadConfig<S extends TObject>(spec: ConfigSpec<S>, sources: ConfigSources): Frozen<Static<S>> {
  const root = nodeOf(spec.schema);
  const { draft, base, problems } = fromFile(sources);
  const origins = new Map<string, string>();
  const put = (pointer: string, text: string, origin: string): void => {
    const outcome = coerceText(text, nodeAt(root, keysOf(pointer)) ?? unknownPointer(pointer));
    if (!outcome.ok) problems.push({ origin, field: dotted(pointer), message: `must be ${outcome.expected}` });
    else setAt(draft, keysOf(pointer), outcome.value);
    origins.set(dotted(pointer), origin);
  };
  for (const [name, pointer, text] of setVariables(spec.environment, sources.environment ?? {})) put(pointer, text, `environment ${name}`);
  for (const { flag, pointer, text } of sources.flags ?? []) put(pointer, text, `flag ${flag}`);

  const wrong = new Set(problems.map((p) => p.field));
  const checked = validator(withoutAnnotations(spec.schema))(prepare(root, draft));
  const where = (field: string) => originOf(field, origins, sources.file, base);
  if (!checked.ok) problems.push(...checked.problems.filter((p) => !wrong.has(p.field)).map((p) => located(p, where(p.field))));
  else if (problems.length === 0) problems.push(...(spec.check?.(checked.value) ?? []).map((p) => located(p, p.origin ?? where(p.field))));
  if (problems.length > 0 || !checked.ok) throw new ConfigError(problems);
  return deepFreeze(checked.value) as Frozen<Static<S>>;
}

function fromFile({ file, section }: ConfigSources): {
  draft: Record<string, unknown>;
  base: readonly string[];
  problems: ConfigProblem[];
} {
  const value = file?.value ?? {};
  if (!isPlainObject(value))
    return { draft: {}, base: [], problems: [{ origin: file?.name ?? 'file', field: '', message: 'must hold settings by name' }] };
  const sections = section === undefined ? [] : [section.name, ...section.others];
  if (section === undefined || !Object.keys(value).some((key) => sections.includes(key)))
    return { draft: structuredClone(value), base: [], problems: [] };
  const strangers = Object.keys(value).filter((key) => !sections.includes(key));
  const problems = strangers.map((key) =>
    located({ field: key, message: `unknown section; known are ${sections.join(', ')}` }, lineIn(file, [key])),
  );
  const ours = value[section.name] ?? {};
  if (isPlainObject(ours)) return { draft: structuredClone(ours), base: [section.name], problems };
  return {
    draft: {},
    base: [],
    problems: [...problems, located({ field: section.name, message: 'must hold settings by name' }, lineIn(file, [section.name]))],
  };
}

function* setVariables(
  map: EnvironmentMap,
  environment: Readonly<Record<string, string | undefined>>,
): Generator<readonly [string, string, string]> {
  for (const [name, target] of Object.entries(map)) {
    const { pointer, aliases } = typeof target === 'string' ? { pointer: target, aliases: [] } : target;
    const used = [name, ...aliases].find((candidate) => (environment[candidate] ?? '') !== '');
    if (used !== undefined) yield [used, pointer, environment[used] as string];
  }
}

function originOf(
  field: string,
  origins: ReadonlyMap<string, string>,
  file: SourceDocument | undefined,
  base: readonly string[],
): string | undefined {
  for (let path = field; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.')))) {
    const origin = origins.get(path);
    if (origin !== undefined) return origin;
  }
  return lineIn(file, [...base, ...field.split('.')]);
}

function lineIn(file: SourceDocument | undefined, keys: readonly string[]): string | undefined {
  const line = file?.lineOf(keys);
  return file === undefined ? undefined : `${file.name}${line === undefined ? '' : ` line ${line}`}`;
}

function located({ field, message }: Problem | ConfigProblem, origin: string | undefined): ConfigProblem {
  return { ...(origin === undefined ? {} : { origin }), field, message };
}

/** The validator is strict about keywords; ours are for configuration alone. */
function withoutAnnotations<S extends TObject>(schema: S): S {
  return JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key.startsWith('x-') ? undefined : value))) as S;
}

function unknownPointer(pointer: string): SchemaNode {
  throw new Error(`${pointer} is not in the schema; correct the map of variables and flags`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
