import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DeviceKind } from '@corral/contracts';
import { replaceFile } from './replace-file.js';
import { decodeRemembered, encodeRemembered, type RememberedFile, type RememberedKey } from './remembered-file.js';

/** Files of the cache, marks included; the oldest leave first. */
const FILES_MAX = 1_024;
const DIGEST = /^[a-z0-9]+:[0-9a-f]{16,128}$/;

/** Where something is remembered of a file on a kind of device; `null` for a digest that is none. */
export function rememberedPath(folder: string, { digest, deviceKind, batchTokens }: { readonly digest: string; readonly deviceKind: DeviceKind; readonly batchTokens: number }): string | null {
  return DIGEST.test(digest) ? join(folder, `${digest.replace(':', '-')}-${deviceKind}-${batchTokens}.json`) : null;
}

/** Makes the folder of the cache. Returns whether it is there. */
export function openFactsFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    return true;
  } catch {
    return false;
  }
}

/** What is remembered of the file that lies there, or `null`: a file that is missing, broken or of something else is no error. [C-152] */
export function recall(path: string, modelPath: string, key: Omit<RememberedKey, 'sizeBytes'>): RememberedFile | null {
  try {
    return decodeRemembered(readFileSync(path, 'utf8'), { ...key, sizeBytes: statSync(modelPath).size });
  } catch {
    return null;
  }
}

/** Remembers, and forgets what is oldest. Returns whether it could. */
export function remember(folder: string, path: string, file: RememberedFile): boolean {
  return replaceFile(path, encodeRemembered(file)) && forgetOldest(folder);
}

function forgetOldest(folder: string): boolean {
  try {
    const files = readdirSync(folder).map((name) => join(folder, name));
    if (files.length <= FILES_MAX) return true;
    const aged = files.map((path) => ({ path, mtimeMs: statSync(path).mtimeMs })).toSorted((a, b) => a.mtimeMs - b.mtimeMs);
    for (const { path } of aged.slice(0, files.length - FILES_MAX)) rmSync(path, { force: true });
    return true;
  } catch {
    return false;
  }
}
