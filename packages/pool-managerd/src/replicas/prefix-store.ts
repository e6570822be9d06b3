import { createHash } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { blobName } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';
import { messageOf, SerialQueue } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';

export interface PrefixStoreOptions {
  /** Private to this node. */
  readonly dir: string;
  /** Bytes that all prefixes may take, were nothing else there. */
  readonly maxBytes: number;
  /** Bytes that the staging area has left beside the prefixes. */
  readonly roomBytes: () => number;
  /** Whether the model is still in the node's catalog. */
  readonly isKnown: (digest: string) => boolean;
  readonly log: Log;
}

interface Folder {
  readonly digest: string;
  readonly path: string;
  readonly sizeBytes: number;
  readonly usedMs: number;
}

const JOBS_MAX = 1_000;
/** A replica's prefixes may push others out for at most this share of all, as long as nobody knows how large they are. */
const SHARE_OF_ONE = 0.25;

/**
 * Where the prefixes of replicas are kept: `<dir>/<digest>/<hash of the shape>`, beside the staged weights and inside their budget.
 * What was used longest ago leaves first. [C-254]
 */
export class PrefixStore {
  readonly #jobs = new SerialQueue(JOBS_MAX);
  #usedBytes = 0;
  #digests: string | null = null;

  constructor(private readonly options: PrefixStoreOptions) {}

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The folder of a replica of this shape. */
  folderOf(digest: string, key: string): string {
    return join(this.options.dir, nameOf(digest), createHash('sha256').update(key).digest('hex').slice(0, 16));
  }

  /** A load may use what lies there: it leaves last. */
  used(path: string): void {
    const now = new Date();
    void utimes(path, now, now).catch(() => undefined);
  }

  /** Has a replica saved into its folder. `save` gets the bytes that it may take; its failure is a line in the log. */
  async save({ digest, path, contextBytes }: { readonly digest: string; readonly path: string; readonly contextBytes: number }, save: (maxBytes: number) => Promise<unknown>): Promise<void> {
    const { isKnown, log } = this.options;
    if (!isKnown(digest)) return;
    try {
      await this.#jobs.run(async () => {
        const limitBytes = this.#limitBytes();
        const others = (await this.#look()).filter((folder) => folder.path !== path);
        const neededBytes = Math.min(contextBytes, limitBytes * SHARE_OF_ONE);
        const left = await this.#evict(others, limitBytes - neededBytes);
        await mkdir(path, { recursive: true, mode: 0o700 });
        await save(Math.max(0, limitBytes - left));
        this.used(path);
        await this.#look();
      });
    } catch (error) {
      log.warn('prefixes not kept', { digest, error: messageOf(error) });
    }
  }

  /** Removes what belongs to models that are not there any longer. Cheap where nothing changed. */
  retain(digests: Iterable<string>): void {
    const names = new Set([...digests].map(nameOf));
    const joined = [...names].sort().join();
    if (joined === this.#digests) return;
    this.#digests = joined;
    this.#run(async () => {
      for (const name of await namesIn(this.options.dir)) if (!names.has(name)) await rm(join(this.options.dir, name), { recursive: true, force: true });
      await this.#look();
    });
  }

  /** Staged weights need the room. Resolves when so many bytes are free, or nothing is left. */
  async yield(bytes: number): Promise<void> {
    await this.#jobs.run(async () => void (await this.#evict(await this.#look(), Math.max(0, this.#usedBytes - bytes)))).catch(() => undefined);
    await this.#jobs.run(() => this.#look()).catch(() => undefined);
  }

  /** Resolves when everything that was begun is done. */
  async close(): Promise<void> {
    await this.#jobs.idle();
  }

  #limitBytes(): number {
    return Math.max(0, Math.min(this.options.maxBytes, this.options.roomBytes()));
  }

  /** Until at most so many bytes are left; returns how many are. */
  async #evict(folders: readonly Folder[], leaveBytes: number): Promise<number> {
    let left = folders.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const folder of folders.toSorted((a, b) => a.usedMs - b.usedMs)) {
      if (left <= leaveBytes) break;
      await rm(folder.path, { recursive: true, force: true });
      left -= folder.sizeBytes;
    }
    return left;
  }

  async #look(): Promise<readonly Folder[]> {
    const { dir } = this.options;
    const folders: Folder[] = [];
    for (const digest of await namesIn(dir)) for (const shape of await namesIn(join(dir, digest))) folders.push(await folderAt(digest, join(dir, digest, shape)));
    this.#usedBytes = folders.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return folders;
  }

  #run(job: () => Promise<unknown>): void {
    this.#jobs.run(job).catch((error: unknown) => this.options.log.warn('kept prefixes not tidied', { error: messageOf(error) }));
  }
}

async function folderAt(digest: string, path: string): Promise<Folder> {
  let sizeBytes = 0;
  for (const name of await namesIn(path)) sizeBytes += (await stat(join(path, name)).catch(() => null))?.size ?? 0;
  return { digest, path, sizeBytes, usedMs: (await stat(path).catch(() => null))?.mtimeMs ?? 0 };
}

async function namesIn(path: string): Promise<readonly string[]> {
  return await readdir(path).catch(() => []);
}

function nameOf(digest: string): string {
  return blobName(digest as Digest);
}
