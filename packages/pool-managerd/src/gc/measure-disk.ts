import { stat, statfs } from 'node:fs/promises';
import type { DiskUse } from '@corral/catalog-core';

/** The file system of a folder as it is. Rejects where it cannot be asked. */
export type MeasureDisk = (path: string) => Promise<DiskUse>;

/** Asks the kernel. What is kept back for root is neither used nor free to this process. */
export const measureDisk: MeasureDisk = async (path) => {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  return { usedBytes: (blocks - bfree) * bsize, freeBytes: bavail * bsize };
};

/** Whether two folders lie on one file system; `false` where one of them cannot be seen. */
export async function isSameDisk(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => stat(path).catch(() => null)));
  return one !== null && other !== null && one !== undefined && other !== undefined && one.dev === other.dev;
}
