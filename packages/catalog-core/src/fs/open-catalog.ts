import { mkdir, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeIndex, INDEX_SCHEMA_VERSION } from '../index-document.js';
import { CatalogStore } from './catalog-store.js';
import type { EndedRemoval } from './catalog-store.js';
import { readIndex } from './read-index.js';
import { scanModels } from './scan-models.js';
import type { ScanReport } from './scan-models.js';
import { acquireWriterLock } from './writer-lock.js';

/**
 * Opens the catalog of a models directory for reading and writing, ends removals that a crash cut short, and scans the directory.
 *
 * Creates the directory if need be. Throws `CatalogError`: LOCKED when another process has it open,
 * INCOMPATIBLE_INDEX or MALFORMED_INDEX when the index cannot be used; the index file is not touched then. [D-05 D-07]
 * Unfinished downloads that a fetch can go on with stay, unless they were last touched before `resumableSinceMs`. [D-50]
 */
export async function openCatalog(
  dir: string,
  { resumableSinceMs = 0 }: { readonly resumableSinceMs?: number } = {},
): Promise<{ readonly store: CatalogStore; readonly scan: ScanReport & { readonly endedRemovals: readonly EndedRemoval[] } }> {
  await mkdir(dir, { recursive: true });
  const root = await realpath(dir);
  const lock = await acquireWriterLock(root);
  try {
    const entries = await readIndex({ path: join(root, 'catalog.json'), version: INDEX_SCHEMA_VERSION, decode: (text) => decodeIndex(text, root), without: 'model files stay and are found again by digest' });
    const store = new CatalogStore(root, entries, lock);
    const endedRemovals = await store.endRemovals();
    const scan = await scanModels(root, store.list(), resumableSinceMs);
    return { store, scan: { ...scan, endedRemovals } };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
