import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOfBlobName } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';
import { isOwnerFile } from './stage-folder.js';
import { readRecord, recordPath, stagedPath } from './staged-record.js';

/** A verified file that an earlier daemon left. */
export interface FoundFile {
  readonly digest: Digest;
  readonly modelId: string;
  readonly sizeBytes: number;
  readonly lastUsedMs: number;
}

/** Looks at what lies in a staging folder: whole and verified files stay, everything else is removed. [C-223] */
export async function scanStaged(dir: string): Promise<{ readonly found: readonly FoundFile[]; readonly removed: number }> {
  const names = await readdir(dir);
  const found: FoundFile[] = [];
  const keep = new Set<string>();
  for (const digest of names.map(digestOfBlobName).filter((name) => name !== null)) {
    const known = await readRecord(dir, digest);
    if (known === null) continue;
    found.push({ digest, modelId: known.record.model_id, sizeBytes: known.record.size_bytes, lastUsedMs: known.lastUsedMs });
    for (const path of [stagedPath(dir, digest), recordPath(dir, digest)]) keep.add(path);
  }
  const doubtful = names.filter((name) => !isOwnerFile(name) && !keep.has(join(dir, name)));
  for (const name of doubtful) await rm(join(dir, name), { recursive: true, force: true });
  return { found, removed: doubtful.length };
}
