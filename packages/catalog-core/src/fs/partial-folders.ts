import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CatalogError } from './catalog-error.js';

const FOLDER = '.partial';
const RESUMABLE = 'resume-';
const MAX_RESUMABLE = 64;

/** A folder of unfinished files that one fetch has to itself. */
export interface ResumableFolder {
  readonly path: string;
  /** Gives it back: with what is in it, for the next fetch, or removed. */
  release(what: 'keep' | 'remove'): Promise<void>;
}

/** Folders of unfinished files inside a models directory. Those that are not resumable end with the process. [D-24 D-50] */
export class PartialFolders {
  readonly #parent: string;
  readonly #taken = new Set<string>();

  constructor(dir: string) {
    this.#parent = join(dir, FOLDER);
  }

  async create(): Promise<string> {
    await mkdir(this.#parent, { recursive: true });
    return mkdtemp(join(this.#parent, 'fetch-'));
  }

  async openResumable(source: string): Promise<ResumableFolder> {
    const name = resumableName(source);
    if (this.#taken.has(name)) throw new CatalogError('LOCKED', `${source} is being fetched already; try again when that has ended`);
    this.#taken.add(name);
    const path = join(this.#parent, name);
    const release = async (what: 'keep' | 'remove'): Promise<void> => {
      try {
        if (what === 'remove') await rm(path, { recursive: true, force: true });
      } finally {
        this.#taken.delete(name);
      }
    };
    try {
      await mkdir(path, { recursive: true });
      await this.#removeOldest();
      return { path, release };
    } catch (error) {
      this.#taken.delete(name);
      throw error;
    }
  }

  async removeResumable(source: string): Promise<void> {
    const name = resumableName(source);
    if (!this.#taken.has(name)) await rm(join(this.#parent, name), { recursive: true, force: true });
  }

  async #removeOldest(): Promise<void> {
    const names = await readdir(this.#parent);
    const idle = names.filter((name) => name.startsWith(RESUMABLE) && !this.#taken.has(name));
    if (idle.length <= MAX_RESUMABLE) return;
    const aged = await Promise.all(idle.map(async (name) => ({ name, touchedMs: await touchedMs(join(this.#parent, name)) })));
    for (const { name } of aged.sort((a, b) => a.touchedMs - b.touchedMs).slice(0, idle.length - MAX_RESUMABLE))
      await rm(join(this.#parent, name), { recursive: true, force: true });
  }
}

/** Removes what earlier processes left, except resumable folders touched since. Returns the names of what is gone. */
export async function removeOrphans(dir: string, sinceMs: number): Promise<readonly string[]> {
  const parent = join(dir, FOLDER);
  const removed: string[] = [];
  for (const name of await readdir(parent).catch(() => [])) {
    const path = join(parent, name);
    if (name.startsWith(RESUMABLE) && (await touchedMs(path)) >= sinceMs) continue;
    await rm(path, { recursive: true, force: true });
    removed.push(name);
  }
  return removed.sort();
}

/** Sources can be longer than file names, and hold anything. */
function resumableName(source: string): string {
  return RESUMABLE + createHash('sha256').update(source).digest('hex').slice(0, 32);
}

/** Progress is written down by replacing a file, which touches its folder. */
async function touchedMs(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? 0;
}
