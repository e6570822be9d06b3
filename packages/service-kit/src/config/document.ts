import { readFile } from 'node:fs/promises';
import { isCollection, isMap, isSeq, LineCounter, parseDocument, visit, type Document, type Node, type YAMLError } from 'yaml';
import { ConfigError, type ConfigProblem } from './config-error.js';

/** A parsed YAML or JSON file that still knows its lines. */
export interface SourceDocument {
  readonly name: string;
  readonly value: unknown;
  /** The line (from 1) of the nearest thing that exists on the path; `undefined` for an empty file. */
  lineOf(keys: readonly string[]): number | undefined;
}

/** Values that aliases may stand for, all together: a few lines could otherwise mean gigabytes. */
const ALIASES_MAX = 100;

/** Parses YAML or JSON strictly: doubled keys, loose ends and aliases that lead nowhere or in a circle are problems with their line. Throws {@link ConfigError}. [P-04] */
export function parseSource(text: string, name: string): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number, message: string): ConfigProblem => ({ origin: `${name} line ${lines.linePos(offset).line}`, field: '', message });
  const problems = [...document.errors, ...document.warnings].map((error) => at(error.pos[0], messageOf(error)));
  if (problems.length === 0) problems.push(...aliasProblems(document).map(({ offset, message }) => at(offset, message)));
  if (problems.length > 0) throw new ConfigError(problems);
  return { name, value: valueOf(document, (offset, message) => at(offset, message)), lineOf: (keys) => lineOf(document, lines, keys) };
}

function messageOf({ code, message }: YAMLError): string {
  if (code === 'DUPLICATE_KEY') return 'the same key stands above; give each its own name';
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here; keep one in the file';
  if (code === 'TAB_AS_INDENT') return 'a tab indents this line; use spaces';
  return `${message}; correct it there`;
}

interface AliasProblem {
  readonly offset: number;
  readonly message: string;
}

/** An alias may only repeat what stands before it, and whole: one inside of what it names would never end. */
function aliasProblems(document: Document): readonly AliasProblem[] {
  const problems: AliasProblem[] = [];
  visit(document, {
    Alias: (_key, alias, path) => {
      const offset = alias.range?.[0] ?? 0;
      const target = alias.resolve(document);
      if (target === undefined) problems.push({ offset, message: `nothing before it is named &${alias.source}; name it, or write the value out` });
      else if (path.includes(target)) problems.push({ offset, message: `*${alias.source} stands inside of what it names, which never ends; write the value out` });
    },
  });
  return problems;
}

function valueOf(document: Document, at: (offset: number, message: string) => ConfigProblem): unknown {
  try {
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch {
    throw new ConfigError([at(firstAlias(document), `aliases stand for more than ${ALIASES_MAX} values; write the values out`)]);
  }
}

function firstAlias(document: Document): number {
  let first: number | undefined;
  visit(document, {
    Alias: (_key, alias) => {
      first ??= alias.range?.[0];
      return visit.BREAK;
    },
  });
  return first ?? 0;
}

/** Reads and parses a file. Throws {@link ConfigError} when it cannot be read. */
export async function readSource(path: string): Promise<SourceDocument> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    throw new ConfigError([
      { origin: path, field: '', message: `cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})` },
    ]);
  }
  return parseSource(text, path);
}

function lineOf(document: Document, lines: LineCounter, keys: readonly string[]): number | undefined {
  let node = document.contents as Node | null;
  let offset = node?.range?.[0];
  for (const key of keys) {
    if (!isCollection(node)) break;
    const pair = isMap(node)
      ? node.items.find((item) => String((item.key as { value?: unknown } | null)?.value ?? item.key) === key)
      : undefined;
    const next = isSeq(node) ? (node.items[Number(key)] as Node | undefined) : (pair?.value as Node | null | undefined);
    const at = (pair?.key as Node | undefined)?.range?.[0] ?? next?.range?.[0];
    if (at === undefined) break;
    offset = at;
    node = next ?? null;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}
