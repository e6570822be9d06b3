import { createHash } from 'node:crypto';
import { chmod, lstat, mkdir, readdir, readFile, realpath, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A folder that is this node's alone to stage files in. */
export interface StageFolder {
  readonly dir: string;
  /** It lies in RAM: what is in it never has to be read from a disk. [C-76] */
  readonly isRam: boolean;
  /** Size of its file system. */
  readonly fileSystemBytes: number;
}

const SHARED_MEMORY = '/dev/shm';
const OWNER_FILE = 'owner';
/** Where prefixes are kept beside the staged files. */
export const PREFIX_FOLDER = 'prefixes';
/** Types of file systems that live in RAM, as statfs has them: tmpfs and ramfs. */
const RAM_TYPES: readonly number[] = [0x01021994, 0x858458f6];
const PRIVATE = 0o700;

/**
 * Opens the staging folder of a node: `<base>/corral-<uid>/<hash of the state directory>`, so that nodes never share one.
 *
 * Both folders belong to this user alone, or it rejects: in a folder that all may write to, anybody can have made them before.
 * Folders of nodes whose state directory is gone are removed, since what is in them takes RAM. [C-221]
 */
export async function openStageFolder(stateDir: string, base: string | null): Promise<StageFolder> {
  const place = base ?? (await defaultBase(stateDir));
  await mkdir(place, { recursive: true, mode: PRIVATE });
  const own = await ownFolder(join(place, `corral-${process.getuid?.() ?? 'user'}`));
  await removeOrphans(own);
  const home = await realpath(stateDir);
  const dir = await ownFolder(join(own, createHash('sha256').update(home).digest('hex').slice(0, 12)));
  await writeFile(join(dir, OWNER_FILE), home, { mode: 0o600 });
  const { type, blocks, bsize } = await statfs(dir);
  return { dir, isRam: RAM_TYPES.includes(type), fileSystemBytes: blocks * bsize };
}

/** Bytes that can still be written to the file system of a folder. */
export async function freeOnFileSystem(dir: string): Promise<number> {
  const { bavail, bsize } = await statfs(dir);
  return bavail * bsize;
}

/** Whether a name in the folder is no staged file but the folder's own, or where prefixes are kept. */
export function isOwnerFile(name: string): boolean {
  return name === OWNER_FILE || name === PREFIX_FOLDER;
}

async function defaultBase(stateDir: string): Promise<string> {
  const found = await stat(SHARED_MEMORY).catch(() => null);
  return found?.isDirectory() === true ? SHARED_MEMORY : join(stateDir, 'cache', 'staging');
}

async function ownFolder(path: string): Promise<string> {
  await mkdir(path, { mode: PRIVATE }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  const found = await lstat(path);
  const isOurs = found.isDirectory() && (process.getuid === undefined || found.uid === process.getuid());
  if (!isOurs) throw new Error(`${path} belongs to somebody else; remove it, or set POOL_MANAGERD_STAGE_DIR to another folder`);
  if ((found.mode & 0o777) !== PRIVATE) await chmod(path, PRIVATE);
  return path;
}

async function removeOrphans(own: string): Promise<void> {
  for (const name of await readdir(own)) {
    const folder = join(own, name);
    const home = await readFile(join(folder, OWNER_FILE), 'utf8').catch(() => null);
    // One without an owner is being made at this moment, or is none of ours.
    if (home === null || (await stat(home).catch(() => null)) !== null) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
  }
}
