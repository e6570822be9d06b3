import { createHash } from 'node:crypto';
import { copyFile, mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestFromHex } from '@corral/catalog-core';
import type { Digest, EngineArtifact } from '@corral/catalog-core';
import { hashFile } from '@corral/catalog-core/fs';
import { ProvisionError } from '../model/provision-error.js';

/** The files of a bundle and one digest over them. */
export interface BundleFiles {
  readonly artifacts: readonly EngineArtifact[];
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface FileSteps {
  readonly signal: AbortSignal;
  /** Files that are done. */
  readonly onFile?: (done: number, total: number) => void;
}

const MAX_FILES = 1_000;

/** Reads every file of a folder. Links and anything else that is no plain file are refused: a bundle is what lies in its folder. */
export async function readBundleFiles(folder: string, { signal, onFile }: FileSteps): Promise<BundleFiles> {
  const names = await plainFiles(folder);
  const artifacts: EngineArtifact[] = [];
  for (const [n, path] of names.entries()) {
    onFile?.(n, names.length);
    let sizeBytes = 0;
    const digest = await hashFile(join(folder, path), { signal, onProgress: (hashedBytes) => (sizeBytes = hashedBytes) });
    artifacts.push({ path, sizeBytes, digest });
  }
  return { artifacts, digest: digestOf(artifacts), sizeBytes: artifacts.reduce((sum, one) => sum + one.sizeBytes, 0) };
}

/** Copies the plain files of one folder into another and syncs them, so that they are whole before anybody knows of them. [D-71] */
export async function copyBundleFiles(from: string, to: string, { signal, onFile }: FileSteps): Promise<void> {
  const names = await plainFiles(from);
  for (const [n, path] of names.entries()) {
    signal.throwIfAborted();
    onFile?.(n, names.length);
    const target = join(to, path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(from, path), target);
    const file = await open(target, 'r');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
}

/** One digest for a list of files, whatever the order in which they were read. */
function digestOf(artifacts: readonly EngineArtifact[]): Digest {
  const lines = artifacts.map(({ path, sizeBytes, digest }) => `${digest} ${sizeBytes} ${path}\n`).toSorted();
  return digestFromHex(createHash('sha256').update(lines.join('')).digest('hex'));
}

async function plainFiles(folder: string): Promise<readonly string[]> {
  const items = await readdir(folder, { withFileTypes: true, recursive: true });
  const odd = items.find((item) => !item.isFile() && !item.isDirectory());
  if (odd !== undefined) throw new ProvisionError('INVALID_SOURCE', `${join(odd.parentPath, odd.name)} is no plain file; a bundle has no links: copy what it points to into its place`);
  const files = items.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name).slice(folder.length + 1)).toSorted();
  if (files.length === 0 || files.length > MAX_FILES) throw new ProvisionError('INVALID_SOURCE', `${folder} has ${files.length} files and a bundle has 1 to ${MAX_FILES}; give the folder of one build`);
  return files;
}
