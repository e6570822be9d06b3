import { Type, type SchemaOptions, type TArray, type TInteger, type TSchema, type TString } from '@sinclair/typebox';

/** The parts of a JSON schema that configuration looks at. */
export interface SchemaNode {
  readonly type?: string;
  readonly const?: unknown;
  readonly default?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly 'x-unit'?: string;
  readonly 'x-secret'?: boolean;
}

/** Bytes, which people may write as `24GiB`. */
export function Size(options: SchemaOptions & { default?: number } = {}): TInteger {
  return Type.Integer({ minimum: 0, ...options, 'x-unit': 'bytes' });
}

/** A text that must never be shown. {@link secretsOf} finds it. */
export function Secret(options: SchemaOptions & { default?: string } = {}): TString {
  return Type.String({ ...options, 'x-secret': true });
}

/** A list of texts that must never be shown, such as tokens. */
export function Secrets(options: SchemaOptions & { default?: string[] } = {}): TArray<TString> {
  return Type.Array(Secret({ minLength: 1 }), options);
}

export const nodeOf = (schema: TSchema): SchemaNode => schema as unknown as SchemaNode;

/** `T | null` as T; anything else as it is. */
export function withoutNull(node: SchemaNode): SchemaNode {
  const branches = node.anyOf?.filter((branch) => branch.type !== 'null');
  return branches?.length === 1 ? { ...branches[0], ...annotationsOf(node) } : node;
}

function annotationsOf({ default: preset, description }: SchemaNode): SchemaNode {
  return { ...(preset === undefined ? {} : { default: preset }), ...(description === undefined ? {} : { description }) };
}

/** The node at a path of property names, `undefined` when the schema has none there. */
export function nodeAt(root: SchemaNode, keys: readonly string[]): SchemaNode | undefined {
  return keys.reduce<SchemaNode | undefined>((node, key) => (node === undefined ? undefined : withoutNull(node).properties?.[key]), root);
}

/** Every setting that is not a group, with its path. */
export function* leavesOf(node: SchemaNode, keys: readonly string[] = []): Generator<{ keys: readonly string[]; node: SchemaNode }> {
  for (const [key, child] of Object.entries(withoutNull(node).properties ?? {})) {
    if (withoutNull(child).properties !== undefined) yield* leavesOf(child, [...keys, key]);
    else yield { keys: [...keys, key], node: child };
  }
}
