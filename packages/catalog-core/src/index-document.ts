import { REMOVAL_RULES } from './catalog-entry.js';
import type { CatalogEntry } from './catalog-entry.js';
import { parseDigest } from './digest.js';
import type { Digest } from './digest.js';
import { decodeFacts, encodeFacts } from './facts-document.js';
import { FieldReader } from './field-reader.js';
import { parseModelId } from './model-id.js';

/** Version of the layout of `catalog.json`. A file with another one is refused, never converted silently. [D-05] */
export const INDEX_SCHEMA_VERSION = 1;

/** What the text of an index file holds. */
export type DecodedDocument<Entry> =
  | { readonly kind: 'index'; readonly entries: readonly Entry[] }
  | { readonly kind: 'incompatible'; readonly found: unknown }
  | { readonly kind: 'malformed'; readonly reason: string };

export type DecodedIndex = DecodedDocument<CatalogEntry>;

/** How one kind of index is laid out. */
export interface DocumentLayout<Entry> {
  readonly version: number;
  /** Name of the list of entries. */
  readonly list: string;
  /** What it is a list of, in words. */
  readonly noun: string;
  decodeEntry(fields: FieldReader): Entry;
}

/** An index file of these entries, each given as `encodeEntry` wrote it: one line per entry, so that a diff is readable. */
export function encodeIndex(entries: readonly string[]): string {
  return `{"schema_version":${INDEX_SCHEMA_VERSION},"models":[\n${entries.join(',\n')}\n]}\n`;
}

/**
 * One entry as it is written in the index. Paths inside `root`, the models directory, are written relative
 * to it, so that the directory can be moved.
 */
export function encodeEntry(entry: CatalogEntry, root: string): string {
  return JSON.stringify({
    id: entry.id,
    refs: entry.refs,
    digest: entry.digest,
    path: entry.external ? entry.localPath : entry.localPath.slice(root.length + 1),
    external: entry.external,
    size_bytes: entry.sizeBytes,
    modified_ms: entry.modifiedMs,
    lifecycle: entry.lifecycle,
    verification: entry.verification,
    digest_given: entry.digestGiven,
    last_verified_ms: entry.lastVerifiedMs,
    created_ms: entry.createdMs,
    last_used_ms: entry.lastUsedMs,
    retired_at_ms: entry.retiredAtMs,
    pinned: entry.pinned,
    tags: entry.tags,
    facts: entry.facts === null ? null : encodeFacts(entry.facts),
    facts_key: entry.factsKey,
    removing: entry.removing,
  });
}

/** Reads an index file. Never throws; the first problems of a malformed one are in its reason. [D-05] */
export function decodeIndex(text: string, root: string): DecodedIndex {
  return decodeDocument(text, { version: INDEX_SCHEMA_VERSION, list: 'models', noun: 'models', decodeEntry: (fields) => decodeEntry(fields, root) });
}

/** Reads an index of any kind. */
export function decodeDocument<Entry extends { readonly id: string }>(text: string, { version, list, noun, decodeEntry: decode }: DocumentLayout<Entry>): DecodedDocument<Entry> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: 'malformed', reason: error instanceof Error ? error.message : String(error) };
  }
  const problems: string[] = [];
  const fields = new FieldReader(value, 'index', problems);
  const found = fields.raw('schema_version');
  if (problems.length === 0 && found !== version) return { kind: 'incompatible', found };
  const items = fields.raw(list);
  if (!Array.isArray(items)) fields.note(list, 'is not a list');
  const entries: Entry[] = [];
  for (const [position, item] of (Array.isArray(items) ? items : []).entries()) {
    entries.push(decode(new FieldReader(item, `${list}[${position}]`, problems)));
    if (problems.length > 0) break;
  }
  if (problems.length === 0 && new Set(entries.map((entry) => entry.id)).size < entries.length)
    problems.push(`two ${noun} have the same id`);
  return problems.length === 0 ? { kind: 'index', entries } : { kind: 'malformed', reason: problems.slice(0, 3).join('; ') };
}

function decodeEntry(fields: FieldReader, root: string): CatalogEntry {
  const verification = fields.child('verification');
  const external = fields.flag('external');
  const result = verification.oneOf('result', ['pass', 'warn', 'fail'], 'fail');
  return {
    id: idOf(fields),
    refs: fields.texts('refs'),
    digest: digestOf(fields),
    localPath: pathOf(fields, external, root),
    external,
    sizeBytes: fields.number('size_bytes'),
    modifiedMs: fields.number('modified_ms'),
    lifecycle: fields.oneOf('lifecycle', ['Active', 'Retired'], 'Retired'),
    verification: { result, reason: verification.text('reason') },
    // Indexes of an earlier version do not say; a pass does.
    digestGiven: fields.raw('digest_given') === undefined ? result === 'pass' : fields.flag('digest_given'),
    lastVerifiedMs: fields.number('last_verified_ms'),
    createdMs: fields.number('created_ms'),
    lastUsedMs: fields.numberOrNull('last_used_ms'),
    retiredAtMs: fields.numberOrNull('retired_at_ms'),
    pinned: fields.flag('pinned'),
    tags: fields.texts('tags'),
    facts: fields.raw('facts') === null ? null : decodeFacts(fields.child('facts')),
    factsKey: fields.textOrNull('facts_key'),
    ...(fields.raw('removing') === undefined ? {} : { removing: fields.oneOf('removing', REMOVAL_RULES, 'Purge') }),
  };
}

function idOf(fields: FieldReader): string {
  const id = fields.text('id');
  const parsed = parseModelId(id);
  if (parsed.kind === 'refused') fields.note('id', parsed.message);
  return id;
}

function digestOf(fields: FieldReader): Digest {
  const parsed = parseDigest(fields.text('digest'));
  if (parsed.kind === 'digest') return parsed.digest;
  fields.note('digest', parsed.message);
  return 'sha256:';
}

function pathOf(fields: FieldReader, external: boolean, root: string): string {
  const path = fields.text('path');
  if (path.split('/').includes('..')) fields.note('path', 'has ".." in it');
  if (path.startsWith('/') !== external || path === '')
    fields.note('path', external ? 'is not absolute' : 'is not relative to the models directory');
  return external ? path : `${root}/${path}`;
}
