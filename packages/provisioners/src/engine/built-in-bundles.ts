import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DeviceKind, EngineEntry } from '@corral/catalog-core';
import type { EngineTarget } from './engine-target.js';

/** A build that came with the program. */
export interface BuiltIn {
  readonly deviceKind: DeviceKind;
  readonly folder: string;
  readonly buildRef: string;
}

/** The id that such a build has on every node. */
export function builtInId({ engine, version }: Pick<EngineTarget, 'engine' | 'version'>, kind: DeviceKind): string {
  return `${engine}-${version}-${kind}`;
}

/** Whether an entry still tells of the files that lie there: the same folder, the same names and sizes. */
export async function isStillSo(entry: EngineEntry, { folder }: Pick<BuiltIn, 'folder'>): Promise<boolean> {
  if (entry.location !== folder || entry.artifacts.length === 0) return false;
  const sizes = await Promise.all(entry.artifacts.map(async ({ path, sizeBytes }) => (await stat(join(folder, path)).catch(() => null))?.size === sizeBytes));
  return sizes.every(Boolean);
}
