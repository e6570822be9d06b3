import type { CatalogEntry } from './catalog-entry.js';
import { formatModelRef } from './model-ref.js';
import { parseModelRef } from './parse-model-ref.js';

/** The entry with this id, else the first one known by this reference (in any spelling), else `null`. [D-04] */
export function findEntry(entries: ReadonlyMap<string, CatalogEntry>, idOrRef: string): CatalogEntry | null {
  const byId = entries.get(idOrRef);
  if (byId !== undefined) return byId;
  const parsed = parseModelRef(idOrRef);
  if (parsed.kind === 'refused') return null;
  const wanted = formatModelRef(parsed.ref);
  for (const entry of entries.values()) {
    if (entry.refs.includes(wanted)) return entry;
  }
  return null;
}
