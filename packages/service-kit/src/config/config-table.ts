import type { TObject } from '@sinclair/typebox';
import type { EnvironmentMap } from './load-config.js';
import { isPlainObject } from './pointer.js';
import { leavesOf, nodeOf, withoutNull, type SchemaNode } from './schema.js';

/** The reference of a daemon's settings as a Markdown table. */
export function configTable(schema: TObject, environment: EnvironmentMap): string {
  const variables = new Map<string, string[]>();
  for (const [name, target] of Object.entries(environment)) {
    const { pointer, aliases } = typeof target === 'string' ? { pointer: target, aliases: [] } : target;
    variables.set(pointer, [...(variables.get(pointer) ?? []), name, ...aliases]);
  }
  const rows = [...leavesOf(nodeOf(schema))].map(({ keys, node }) => {
    const names =
      variables
        .get(`/${keys.join('/')}`)
        ?.map((name) => `\`${name}\``)
        .join(', ') ?? '–';
    return `| \`${keys.join('.')}\` | ${cell(typeOf(node))} | ${defaultOf(node)} | ${names} | ${cell(node.description ?? '')} |`;
  });
  return ['| setting | type | default | environment | meaning |', '|---|---|---|---|---|', ...rows, ''].join('\n');
}

/** The texts of a configuration that must never be written, for the log. [B-08] */
export function secretsOf(schema: TObject, config: object): readonly string[] {
  return [...leavesOf(nodeOf(schema))].flatMap(({ keys, node }) => {
    const value = keys.reduce<unknown>((at, key) => (isPlainObject(at) ? at[key] : undefined), config);
    const target = withoutNull(node);
    if (target['x-secret'] === true) return typeof value === 'string' && value !== '' ? [value] : [];
    return target.items?.['x-secret'] === true && Array.isArray(value) ? (value as string[]) : [];
  });
}

function typeOf(node: SchemaNode): string {
  const target = withoutNull(node);
  if (target['x-unit'] === 'bytes') return 'size';
  if (target.type === 'array') return `list of ${typeOf(target.items ?? {})}`;
  if (target.const !== undefined) return JSON.stringify(target.const);
  return target.anyOf?.map(typeOf).join(' or ') ?? target.type ?? 'any';
}

function defaultOf(node: SchemaNode): string {
  return node.default === undefined || node.default === null ? '–' : `\`${JSON.stringify(node.default).replaceAll('|', '\\|')}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
