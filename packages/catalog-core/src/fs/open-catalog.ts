import { mkdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogEntry } from '../catalog-entry.js';
import { decodeIndex, INDEX_SCHEMA_VERSION } from '../index-document.js';
import { CatalogError } from './catalog-error.js';
import { CatalogStore } from './catalog-store.js';
import { scanModels } from './scan-models.js';
import type { ScanReport } from './scan-models.js';
import { acquireWriterLock } from './writer-lock.js';

/**
 * Opens the catalog of a models directory for reading and writing, and scans the directory.
 *
 * Creates the directory if need be. Throws `CatalogError`: LOCKED when another process has it open,
 * INCOMPATIBLE_INDEX or MALFORMED_INDEX when the index cannot be used; the index file is not touched then. [D-05 D-07]
 * Unfinished downloads that a fetch can go on with stay, unless they were last touched before `resumableSinceMs`. [D-50]
 */
export async function openCatalog(
  dir: string,
  { resumableSinceMs = 0 }: { readonly resumableSinceMs?: number } = {},
): Promise<{ readonly store: CatalogStore; readonly scan: ScanReport }> {
  await mkdir(dir, { recursive: true });
  const root = await realpath(dir);
  const lock = await acquireWriterLock(root);
  try {
    const entries = await readIndex(root);
    const scan = await scanModels(root, entries, resumableSinceMs);
    return { store: new CatalogStore(root, entries, lock), scan };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function readIndex(root: string): Promise<readonly CatalogEntry[]> {
  const path = join(root, 'catalog.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const decoded = decodeIndex(text, root);
  switch (decoded.kind) {
    case 'index':
      return decoded.entries;
    case 'incompatible':
      throw new CatalogError(
        'INCOMPATIBLE_INDEX',
        `${path} has schema_version ${JSON.stringify(decoded.found)} and this program reads ${INDEX_SCHEMA_VERSION}; start the program that wrote it, or move the file away to begin with an empty catalog (model files stay and are found again by digest)`,
      );
    case 'malformed':
      throw new CatalogError(
        'MALFORMED_INDEX',
        `${path} cannot be read: ${decoded.reason}; restore it from a backup, or move it away to begin with an empty catalog (model files stay and are found again by digest)`,
      );
  }
}
