import { readFile } from 'node:fs/promises';
import { isCollection, isMap, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { ConfigError, type ConfigProblem } from './config-error.js';

/** A parsed YAML or JSON file that still knows its lines. */
export interface SourceDocument {
  readonly name: string;
  readonly value: unknown;
  /** The line (from 1) of the nearest thing that exists on the path; `undefined` for an empty file. */
  lineOf(keys: readonly string[]): number | undefined;
}

/** Parses YAML or JSON strictly: doubled keys and loose ends are problems with their line. Throws {@link ConfigError}. [P-04] */
export function parseSource(text: string, name: string): SourceDocument {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problems: ConfigProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    origin: `${name} line ${lines.linePos(error.pos[0]).line}`,
    field: '',
    message: error.message,
  }));
  if (problems.length > 0) throw new ConfigError(problems);
  return { name, value: valueOf(document, name), lineOf: (keys) => lineOf(document, lines, keys) };
}

function valueOf(document: Document, name: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new ConfigError([{ origin: name, field: '', message: (error as Error).message }]);
  }
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
