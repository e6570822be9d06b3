import { parseSize } from '../sizes.js';
import { isPlainObject } from './pointer.js';
import { withoutNull, type SchemaNode } from './schema.js';

export type Coerced = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly expected: string };

const TRUE = new Set(['true', '1', 'yes', 'on']);
const FALSE = new Set(['false', '0', 'no', 'off']);

/** Turns the text of a flag or variable into what the schema declares: comma lists, sizes, numbers, booleans. [P-04] */
export function coerceText(text: string, node: SchemaNode): Coerced {
  const target = withoutNull(node);
  if (target.type === 'array') return coerceList(text, target.items ?? {});
  if (target.type === 'boolean') return coerceBoolean(text);
  if (target['x-unit'] === 'bytes') return coerceSize(text);
  if (target.type === 'integer' || target.type === 'number') return coerceNumber(text);
  if (target.type === 'object' || target.type === undefined) return coerceJson(text, target);
  return { ok: true, value: text };
}

function coerceList(text: string, items: SchemaNode): Coerced {
  const parts = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  const values = parts.map((part) => coerceText(part, items));
  return values.find((value) => !value.ok) ?? { ok: true, value: values.map((value) => (value as { value: unknown }).value) };
}

function coerceBoolean(text: string): Coerced {
  const word = text.trim().toLowerCase();
  if (TRUE.has(word) || FALSE.has(word)) return { ok: true, value: TRUE.has(word) };
  return { ok: false, expected: 'true or false' };
}

function coerceSize(text: string): Coerced {
  const bytes = parseSize(text);
  return bytes === undefined ? { ok: false, expected: 'a size such as 24GiB or 1073741824' } : { ok: true, value: bytes };
}

function coerceNumber(text: string): Coerced {
  const value = Number(text);
  return text.trim() !== '' && Number.isFinite(value) ? { ok: true, value } : { ok: false, expected: 'a number' };
}

/** A constant that is spelled so, else a number, size or boolean that it can be, else the text. */
function coerceUnion(text: string, branches: readonly SchemaNode[]): Coerced {
  if (branches.some((branch) => branch.const === text)) return { ok: true, value: text };
  const scalars = branches.filter(({ type, const: fixed }) => fixed === undefined && ['integer', 'number', 'boolean'].includes(type ?? ''));
  return scalars.map((branch) => coerceText(text, branch)).find((outcome) => outcome.ok) ?? { ok: true, value: text };
}

/** Groups are written as JSON. */
function coerceJson(text: string, node: SchemaNode): Coerced {
  if (node.const !== undefined) return { ok: true, value: text };
  if (node.anyOf !== undefined) return coerceUnion(text, node.anyOf);
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, expected: 'JSON' };
  }
}

/** A copy with defaults filled in and sizes such as `24GiB` as bytes; what does not fit the schema stays for the validator. */
export function prepare(node: SchemaNode, value: unknown): unknown {
  const target = withoutNull(node);
  if (value === undefined && node.default !== undefined) return prepare(node, structuredClone(node.default));
  if (target['x-unit'] === 'bytes' && typeof value === 'string') return parseSize(value) ?? value;
  if (target.type === 'array' && Array.isArray(value)) return value.map((item) => prepare(target.items ?? {}, item));
  if (target.properties !== undefined && isPlainObject(value)) return prepareGroup(target, value);
  const each = Object.values(target.patternProperties ?? {})[0];
  if (each !== undefined && isPlainObject(value))
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, prepare(each, item)]));
  return value;
}

function prepareGroup(group: SchemaNode, value: Record<string, unknown>): Record<string, unknown> {
  const result = { ...value };
  for (const [key, child] of Object.entries(group.properties ?? {})) {
    const isGroup = child.properties !== undefined && child.default === undefined && (group.required ?? []).includes(key);
    const filled = prepare(child, value[key] === undefined && isGroup ? {} : value[key]);
    if (filled !== undefined) result[key] = filled;
  }
  return result;
}
