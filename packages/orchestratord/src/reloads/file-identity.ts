import { stat } from 'node:fs/promises';

/**
 * Which content a path leads to now, through whatever links: another text after a write, after another file took its
 * name, and after a link in the path leads elsewhere. `null` where there is nothing that can be looked at.
 */
export async function fileIdentity(path: string): Promise<string | null> {
  const seen = await stat(path, { bigint: true }).catch(() => null);
  return seen === null ? null : [seen.dev, seen.ino, seen.size, seen.mtimeNs, seen.mode].join(':');
}

/** Which folder a path leads to: another text when another one has its name, and `null` where there is none. */
export async function folderIdentity(path: string): Promise<string | null> {
  const seen = await stat(path, { bigint: true }).catch(() => null);
  return seen === null || !seen.isDirectory() ? null : [seen.dev, seen.ino, seen.birthtimeNs].join(':');
}
