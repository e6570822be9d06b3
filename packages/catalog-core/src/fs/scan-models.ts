import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogEntry } from '../catalog-entry.js';
import { digestOfBlobName } from '../digest.js';
import { checkFile } from './check-file.js';
import type { FileCheck } from './check-file.js';

/** What a scan of the models directory found. Nothing of it is written to the index: whoever opened the catalog decides. */
export interface ScanReport {
  /** Entries whose file is gone or has changed, with what is wrong. */
  readonly suspect: readonly { readonly id: string; readonly check: FileCheck }[];
  /** Names of complete files in the models directory that no entry refers to. */
  readonly unreferenced: readonly string[];
  /** Names of unfinished downloads that an earlier process left; they are removed. */
  readonly removedPartials: readonly string[];
}

/** Folder of unfinished files inside the models directory. */
export const PARTIAL_FOLDER = '.partial';

const PARALLEL_CHECKS = 32;

/** Compares entries and models directory, and removes orphaned partial files. Call it only as the single writer. */
export async function scanModels(dir: string, entries: Iterable<CatalogEntry>): Promise<ScanReport> {
  const known = [...entries];
  const referenced = new Set(known.filter((entry) => !entry.external).map((entry) => entry.localPath));
  const names = await readdir(dir);
  return {
    suspect: await findSuspects(known),
    unreferenced: names.filter((name) => digestOfBlobName(name) !== null && !referenced.has(join(dir, name))).sort(),
    removedPartials: await removePartials(join(dir, PARTIAL_FOLDER)),
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

async function removePartials(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
  return names.sort();
}
