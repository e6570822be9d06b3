import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'libsql';
import { StoreError } from './store-error.js';

/** The right to use the store of one state directory, held by one process at a time. */
export interface StoreLock {
  release(): Promise<void>;
}

/**
 * Takes the store of `stateDir`, or throws `StoreError` LOCKED naming the process that has it.
 *
 * The lock is an exclusive transaction on a file of its own: the kernel drops it with the process, however that
 * ends, so there is nothing stale to judge. The pid beside it only serves the message. [decision 0036]
 */
export async function lockStore(stateDir: string): Promise<StoreLock> {
  await mkdir(stateDir, { recursive: true });
  const pidPath = join(stateDir, 'orchestratord.pid');
  const file = new Database(join(stateDir, 'orchestratord.lock'), { timeout: 0 });
  try {
    file.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (cause) {
    file.close();
    if (!isBusy(cause)) throw new StoreError('UNREADABLE', `the state directory ${stateDir} cannot be locked (${String(cause)}); check its permissions and free space`, { cause });
    const holder = (await readFile(pidPath, 'utf8').catch(() => '')).trim();
    const who = holder === '' ? 'another orchestratord' : `orchestratord with pid ${holder}`;
    throw new StoreError('LOCKED', `${who} uses the state directory ${stateDir}; stop it, or give this one another --state-dir`, { cause });
  }
  await writeFile(pidPath, `${process.pid}\n`);
  return {
    release: async () => {
      await rm(pidPath, { force: true });
      file.exec('ROLLBACK');
      file.close();
    },
  };
}

function isBusy(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}
