import { statfs } from 'node:fs/promises';
import { formatBytes } from '@corral/service-kit';
import { ProvisionError } from './provision-error.js';

/** Throws DISK_FULL when a file of `neededBytes` does not fit in the file system of `folder`. */
export async function assertRoom(folder: string, neededBytes: number): Promise<void> {
  const freeBytes = await freeBytesOf(folder);
  if (freeBytes !== null && freeBytes < neededBytes) throw diskFull(folder, freeBytes, neededBytes);
}

/** The DISK_FULL error for a system error that says so, with the numbers; `null` for any other error. */
export async function asDiskFull(error: unknown, folder: string, neededBytes: number | null): Promise<ProvisionError | null> {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return null;
  return diskFull(folder, await freeBytesOf(folder), neededBytes, error);
}

/** DISK_FULL for a program that reported it in words. */
export async function diskFullIn(folder: string): Promise<ProvisionError> {
  return diskFull(folder, await freeBytesOf(folder), null);
}

async function freeBytesOf(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

function diskFull(folder: string, freeBytes: number | null, neededBytes: number | null, cause?: unknown): ProvisionError {
  const free = freeBytes === null ? '' : `, ${formatBytes(freeBytes)} free`;
  const needed = neededBytes === null ? '' : `, ${formatBytes(neededBytes)} needed`;
  return new ProvisionError(
    'DISK_FULL',
    `no space left in ${folder}${free}${needed}; free space there, or set MODELS_DIR to a larger disk`,
    { cause },
  );
}
