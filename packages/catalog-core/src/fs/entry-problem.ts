import type { CatalogEntry } from '../catalog-entry.js';
import { parseDigest } from '../digest.js';
import { parseModelId } from '../model-id.js';

/** What keeps an entry out of the catalog in `root`, or `null`. Files of its own must lie inside the root. [D-06] */
export function entryProblem(entry: CatalogEntry, root: string): string | null {
  const id = parseModelId(entry.id);
  if (id.kind === 'refused') return id.message;
  const digest = parseDigest(entry.digest);
  if (digest.kind === 'refused' || digest.digest !== entry.digest) return `model "${entry.id}" has no proper digest; hash its file first`;
  if (!isPlainAbsolute(entry.localPath)) return `model "${entry.id}" has the path "${entry.localPath}"; use an absolute one without ".."`;
  if (!entry.external && !entry.localPath.startsWith(`${root}/`)) {
    return `model "${entry.id}" lies outside ${root} and is not marked external; register it as a file: source`;
  }
  if ((entry.lifecycle === 'Retired') !== (entry.retiredAtMs !== null))
    return `model "${entry.id}" is ${entry.lifecycle} with a retirement time that contradicts it; set its state again`;
  if ((entry.facts === null) !== (entry.factsKey === null))
    return `model "${entry.id}" has facts without the engine version they belong to; read them again`;
  return null;
}

function isPlainAbsolute(path: string): boolean {
  return (
    path.startsWith('/') &&
    path
      .slice(1)
      .split('/')
      .every((part) => part !== '' && part !== '.' && part !== '..')
  );
}
