import { statfs } from 'node:fs/promises';
import { formatBytes } from '@corral/service-kit';
import { ProvisionError } from './provision-error.js';

/** Makes room in the models directory where that can be done. Resolves with why no more can be made, in words, or with `null`. [D-33] */
export type MakeRoom = (neededBytes: number) => Promise<string | null>;

/** Throws DISK_FULL when a file of so many bytes does not fit in the file system of a folder. */
export type AssertRoom = (folder: string, neededBytes: number) => Promise<void>;

/** Where nothing makes room, what is free must do. */
export const assertRoom: AssertRoom = roomAsserter(() => Promise.resolve(null));

/** Has room made before it looks. A pass that fails makes none, and the fetch goes on with what is free. [D-33 D-66] */
export function roomAsserter(makeRoom: MakeRoom): AssertRoom {
  return async (folder, neededBytes) => {
    const obstacle = await makeRoom(neededBytes).catch(() => null);
    const freeBytes = await freeBytesOf(folder);
    if (freeBytes !== null && freeBytes < neededBytes) throw diskFull(folder, { freeBytes, neededBytes, obstacle });
  };
}

/** The DISK_FULL error for a system error that says so, with the numbers; `null` for any other error. */
export async function asDiskFull(error: unknown, folder: string, neededBytes: number | null): Promise<ProvisionError | null> {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return null;
  return diskFull(folder, { freeBytes: await freeBytesOf(folder), neededBytes, cause: error });
}

/** DISK_FULL for a program that reported it in words. */
export async function diskFullIn(folder: string): Promise<ProvisionError> {
  return diskFull(folder, { freeBytes: await freeBytesOf(folder), neededBytes: null });
}

async function freeBytesOf(folder: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

interface Shortage {
  readonly freeBytes: number | null;
  readonly neededBytes: number | null;
  readonly obstacle?: string | null;
  readonly cause?: unknown;
}

function diskFull(folder: string, { freeBytes, neededBytes, obstacle = null, cause }: Shortage): ProvisionError {
  const free = freeBytes === null ? '' : `, ${formatBytes(freeBytes)} free`;
  const needed = neededBytes === null ? '' : `, ${formatBytes(neededBytes)} needed`;
  const kept = obstacle === null ? '' : `; ${obstacle}`;
  return new ProvisionError('DISK_FULL', `no space left in ${folder}${free}${needed}${kept}; free space there, or set MODELS_DIR to a larger disk`, { cause });
}
