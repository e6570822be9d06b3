import type { CatalogEntry } from '@corral/catalog-core';
import type { StageableModel } from './staging-wish.js';

/** A catalog entry as a file that can be staged; `null` for one that is retired or whose file is known to be bad. */
export function stageable(entry: CatalogEntry | null): StageableModel | null {
  if (entry === null || entry.lifecycle === 'Retired' || entry.verification.result === 'fail') return null;
  return { modelId: entry.id, digest: entry.digest, path: entry.localPath, sizeBytes: entry.sizeBytes };
}
