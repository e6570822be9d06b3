import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogEntry } from '../catalog-entry.js';
import { digestOfBlobName } from '../digest.js';
import { checkFile } from './check-file.js';
import type { FileCheck } from './check-file.js';
import { removeOrphans } from './partial-folders.js';

/** What a scan of the models directory found. Nothing of it is written to the index: whoever opened the catalog decides. */
export interface ScanReport {
  /** Entries whose file is gone or has changed, with what is wrong. */
  readonly suspect: readonly { readonly id: string; readonly check: FileCheck }[];
  /** Names of complete files in the models directory that no entry refers to. */
  readonly unreferenced: readonly string[];
  /** Names of unfinished downloads that an earlier process left and no fetch can go on with; they are removed. */
  readonly removedPartials: readonly string[];
}


const PARALLEL_CHECKS = 32;

/** Compares entries and models directory, and removes orphaned partial files, resumable ones last touched before `sinceMs` among them. Call it only as the single writer. */
export async function scanModels(dir: string, entries: Iterable<CatalogEntry>, sinceMs: number): Promise<ScanReport> {
  const known = [...entries];
  const referenced = new Set(known.filter((entry) => !entry.external).map((entry) => entry.localPath));
  const names = await readdir(dir);
  return {
    suspect: await findSuspects(known),
    unreferenced: names.filter((name) => digestOfBlobName(name) !== null && !referenced.has(join(dir, name))).sort(),
    removedPartials: await removeOrphans(dir, sinceMs),
  };
}

async function findSuspects(entries: readonly CatalogEntry[]): Promise<ScanReport['suspect']> {
  const suspect: { id: string; check: FileCheck }[] = [];
  const waiting = entries.values();
  const worker = async () => {
    for (const entry of waiting) {
      const check = await checkFile(entry);
      if (check.kind !== 'same') suspect.push({ id: entry.id, check });
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_CHECKS }, worker));
  return suspect.sort((a, b) => (a.id < b.id ? -1 : 1));
}
