import { readFile, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static } from '@sinclair/typebox';
import { blobName } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';
import { Bytes, Digest as WireDigest, ModelId, validator } from '@corral/contracts';

/** What is known of a staged file beside its bytes; it lies next to it. */
const StagedRecord = Type.Object({
  schema_version: Type.Literal(1),
  model_id: ModelId,
  digest: WireDigest,
  size_bytes: Bytes,
  /** Of the file when it was verified: another one means that somebody touched it. */
  modified_ms: Type.Number(),
  inode: Type.String(),
  /** Of the running system: after a crash of the machine a file on a disk may lack what was never written to it. */
  boot_id: Type.String(),
});
export type StagedRecord = Static<typeof StagedRecord>;

const check = validator(StagedRecord);

/** Where a staged file lies. */
export function stagedPath(dir: string, digest: Digest): string {
  return join(dir, blobName(digest));
}

/** Where its record lies. */
export function recordPath(dir: string, digest: Digest): string {
  return `${stagedPath(dir, digest)}.json`;
}

/** Describes a file that was verified. */
export async function recordOf(path: string, { modelId, digest }: { readonly modelId: string; readonly digest: Digest }): Promise<StagedRecord> {
  const { size, mtimeMs, ino } = await stat(path);
  return { schema_version: 1, model_id: modelId, digest, size_bytes: size, modified_ms: mtimeMs, inode: String(ino), boot_id: await bootId() };
}

/** Replaces a record as a whole. */
export async function writeRecord(dir: string, record: StagedRecord): Promise<void> {
  const path = recordPath(dir, record.digest as Digest);
  await writeFile(`${path}.tmp`, JSON.stringify(record), { mode: 0o600 });
  await rename(`${path}.tmp`, path);
}

/** The record of a staged file and when it was last used, or `null` when it and the file do not agree in everything. Reads no weights. */
export async function readRecord(dir: string, digest: Digest): Promise<{ readonly record: StagedRecord; readonly lastUsedMs: number } | null> {
  try {
    const path = recordPath(dir, digest);
    const checked = check(JSON.parse(await readFile(path, 'utf8')));
    if (!checked.ok || checked.value.digest !== digest) return null;
    const found = await recordOf(stagedPath(dir, digest), { modelId: checked.value.model_id, digest });
    const isSame = JSON.stringify(found) === JSON.stringify({ ...found, ...checked.value });
    return isSame ? { record: checked.value, lastUsedMs: (await stat(path)).mtimeMs } : null;
  } catch {
    return null;
  }
}

async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => 'unknown')).trim();
}
