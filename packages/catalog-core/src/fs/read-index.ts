import { readFile } from 'node:fs/promises';
import type { DecodedDocument } from '../index-document.js';
import { CatalogError } from './catalog-error.js';

/** What an index file is to its reader. */
export interface IndexReading<Entry> {
  readonly path: string;
  readonly version: number;
  decode(text: string): DecodedDocument<Entry>;
  /** What becomes of the files when the index is moved away. */
  readonly without: string;
}

/** The entries of an index file; none where there is no file. Throws INCOMPATIBLE_INDEX or MALFORMED_INDEX and leaves the file alone. [D-05] */
export async function readIndex<Entry>({ path, version, decode, without }: IndexReading<Entry>): Promise<readonly Entry[]> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const decoded = decode(text);
  switch (decoded.kind) {
    case 'index':
      return decoded.entries;
    case 'incompatible':
      throw new CatalogError(
        'INCOMPATIBLE_INDEX',
        `${path} has schema_version ${JSON.stringify(decoded.found)} and this program reads ${version}; start the program that wrote it, or move the file away to begin with an empty catalog (${without})`,
      );
    case 'malformed':
      throw new CatalogError(
        'MALFORMED_INDEX',
        `${path} cannot be read: ${decoded.reason}; restore it from a backup, or move it away to begin with an empty catalog (${without})`,
      );
  }
}
