import { stat } from 'node:fs/promises';
import type { CatalogEntry } from '../catalog-entry.js';

/** What a look at the file's size and time says about an entry. `touched`: same size, other time; hash it again. */
export type FileCheck =
  | { readonly kind: 'same' }
  | { readonly kind: 'touched'; readonly modifiedMs: number }
  | { readonly kind: 'resized'; readonly sizeBytes: number }
  | { readonly kind: 'missing'; readonly reason: string };

/** Compares the file of an entry with what the entry says, without reading it. Never throws. [D-10] */
export async function checkFile(entry: Pick<CatalogEntry, 'localPath' | 'sizeBytes' | 'modifiedMs'>): Promise<FileCheck> {
  try {
    const found = await stat(entry.localPath);
    if (!found.isFile()) return { kind: 'missing', reason: `${entry.localPath} is no file` };
    if (found.size !== entry.sizeBytes) return { kind: 'resized', sizeBytes: found.size };
    const modifiedMs = Math.trunc(found.mtimeMs);
    return modifiedMs === entry.modifiedMs ? { kind: 'same' } : { kind: 'touched', modifiedMs };
  } catch (error) {
    return { kind: 'missing', reason: `${entry.localPath} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
