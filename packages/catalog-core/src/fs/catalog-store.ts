import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogEntry, Lifecycle } from '../catalog-entry.js';
import { blobName } from '../digest.js';
import type { Digest } from '../digest.js';
import { findEntry } from '../find-entry.js';
import { encodeEntry, encodeIndex } from '../index-document.js';
import { CatalogError } from './catalog-error.js';
import { checkFile } from './check-file.js';
import { entryProblem } from './entry-problem.js';
import { PartialFolders } from './partial-folders.js';
import type { ResumableFolder } from './partial-folders.js';
import { syncDirectory, writeDurably } from './write-durably.js';
import type { WriterLock } from './writer-lock.js';

/** What a removal did. `fileError` says why a file stayed behind; the entry is gone all the same. [D-06] */
export interface Removal {
  readonly deleted: boolean;
  readonly freedBytes: number;
  readonly fileError: string | null;
}

interface Operation {
  /** Changes the draft as its last step, so that a failed operation leaves it alone. */
  readonly apply: (draft: Map<string, CatalogEntry>) => Promise<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

const MAX_ENTRIES = 100_000;
const MAX_WAITING = 10_000;

/**
 * The models on this node's disk: the only writer of `catalog.json` and of the files beside it.
 *
 * Reads answer from memory with what is durable. Changes run one after another; those that wait while the
 * index is being written share the next write, so that many small changes cost few writes. [D-01 D-04 D-05]
 */
export class CatalogStore {
  #entries: ReadonlyMap<string, CatalogEntry>;
  readonly #encoded = new WeakMap<CatalogEntry, string>();
  #waiting: Operation[] = [];
  #loop: Promise<void> | null = null;
  #closed = false;
  readonly #partials: PartialFolders;

  constructor(
    readonly dir: string,
    entries: Iterable<CatalogEntry>,
    private readonly lock: WriterLock,
  ) {
    this.#entries = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#partials = new PartialFolders(dir);
  }

  get(id: string): CatalogEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** Every entry, in the order of registration. */
  list(): readonly CatalogEntry[] {
    return [...this.#entries.values()];
  }

  /** Whether a model with this id or reference is registered, whatever became of its file. [D-04] */
  exists(idOrRef: string): boolean {
    return findEntry(this.#entries, idOrRef) !== null;
  }

  /** The entry of this id or reference if its file is there in its full size, else `null`. Writes nothing. [D-04] */
  async locate(idOrRef: string): Promise<CatalogEntry | null> {
    const entry = findEntry(this.#entries, idOrRef);
    if (entry === null) return null;
    const { kind } = await checkFile(entry);
    return kind === 'same' || kind === 'touched' ? entry : null;
  }

  /** Adds an entry or replaces the one with its id. Its file must be in place in its full size. */
  put(entry: CatalogEntry): Promise<CatalogEntry> {
    return this.#change(async (draft) => this.#set(draft, entry));
  }

  /** Replaces an entry by what `change` makes of it; rejects with NOT_FOUND when there is none. `change` may not rename it. */
  update(id: string, change: (entry: CatalogEntry) => CatalogEntry): Promise<CatalogEntry> {
    return this.#change(async (draft) => {
      const before = known(draft, id);
      const changed = change(before);
      if (changed === before) return before;
      const problem = entryProblem(changed, this.dir);
      if (problem !== null || changed.id !== id)
        throw new CatalogError('INVALID_ENTRY', problem ?? `model "${id}" cannot be renamed; register it again`);
      draft.set(id, changed);
      return changed;
    });
  }

  /** Makes a model active or retired; retiring stamps the time, once. [D-09] */
  setState(id: string, lifecycle: Lifecycle, nowMs: number): Promise<CatalogEntry> {
    return this.update(id, (entry) => {
      if (entry.lifecycle === lifecycle) return entry;
      return { ...entry, lifecycle, retiredAtMs: lifecycle === 'Retired' ? nowMs : null };
    });
  }

  /**
   * Removes an entry, then its file, unless the file is external or another entry uses it.
   *
   * A crash in between leaves a file without an entry, never an entry without a file. An unknown id reports `deleted: false`. [D-06]
   */
  async delete(id: string): Promise<Removal> {
    const removed = await this.#change(async (draft) => {
      const entry = draft.get(id) ?? null;
      draft.delete(id);
      return entry;
    });
    if (removed === null) return { deleted: false, freedBytes: 0, fileError: null };
    if (removed.external) return { deleted: true, freedBytes: 0, fileError: null };
    return this.#change(async (draft) => {
      if ([...draft.values()].some((entry) => entry.localPath === removed.localPath))
        return { deleted: true, freedBytes: 0, fileError: null };
      try {
        await rm(removed.localPath, { force: true });
        return { deleted: true, freedBytes: removed.sizeBytes, fileError: null };
      } catch (error) {
        return { deleted: true, freedBytes: 0, fileError: error instanceof Error ? error.message : String(error) };
      }
    });
  }

  /** An empty folder for the unfinished files of one download. What is left in it is removed when the catalog is opened again. [D-24] */
  createPartialFolder(): Promise<string> {
    return this.#partials.create();
  }

  /**
   * The folder for unfinished files of one source, the same at every call and after a restart, with what an earlier
   * fetch left in it. Rejects with LOCKED while another fetch has it. Of those that nobody has, a bounded number is kept. [D-50]
   */
  openResumableFolder(source: string): Promise<ResumableFolder> {
    return this.#partials.openResumable(source);
  }

  /** Removes what a fetch of this source left, unless one has it. */
  removeResumableFolder(source: string): Promise<void> {
    return this.#partials.removeResumable(source);
  }

  /**
   * Makes a finished, verified and synced file visible under the name of its digest and returns its path.
   *
   * An equal name holds equal bytes, so replacing one is harmless. [D-24]
   */
  publish(partialPath: string, digest: Digest): Promise<string> {
    return this.#change(async () => {
      const path = join(this.dir, blobName(digest));
      await rename(partialPath, path);
      await syncDirectory(this.dir);
      return path;
    });
  }

  /** Finishes the waiting changes, gives up the right to write, and refuses everything after that. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#loop;
    await this.lock.release();
  }

  async #set(draft: Map<string, CatalogEntry>, entry: CatalogEntry): Promise<CatalogEntry> {
    const problem = entryProblem(entry, this.dir);
    if (problem !== null) throw new CatalogError('INVALID_ENTRY', problem);
    if (draft.size >= MAX_ENTRIES && !draft.has(entry.id)) {
      throw new CatalogError('FULL', `the catalog holds ${MAX_ENTRIES} models; remove some with "corral models rm"`);
    }
    const check = await checkFile(entry);
    if (check.kind === 'missing') throw new CatalogError('FILE_MISSING', `${check.reason}; fetch the model again`);
    if (check.kind === 'resized') {
      throw new CatalogError(
        'FILE_MISSING',
        `${entry.localPath} has ${check.sizeBytes} bytes instead of ${entry.sizeBytes}; fetch the model again`,
      );
    }
    draft.set(entry.id, entry);
    return entry;
  }

  #change<T>(apply: (draft: Map<string, CatalogEntry>) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new CatalogError('CLOSED', `the catalog in ${this.dir} is closed; open it again`));
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new CatalogError('FULL', `${MAX_WAITING} changes wait for the catalog in ${this.dir}; try again later`));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ apply, resolve: resolve as (value: never) => void, reject });
      this.#loop ??= this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      await this.#commit(batch);
    }
    // In the same turn as the last look at the queue, so that no change can slip in between and wait for ever.
    this.#loop = null;
  }

  async #commit(batch: readonly Operation[]): Promise<void> {
    const draft = new Map(this.#entries);
    const settled: { readonly operation: Operation; readonly value: unknown }[] = [];
    for (const operation of batch) {
      try {
        settled.push({ operation, value: await operation.apply(draft) });
      } catch (error) {
        operation.reject(error);
      }
    }
    try {
      if (!sameEntries(draft, this.#entries)) await this.#write(draft);
    } catch (error) {
      for (const { operation } of settled) operation.reject(writeFailed(this.dir, error));
      return;
    }
    this.#entries = draft;
    for (const { operation, value } of settled) operation.resolve(value as never);
  }

  async #write(entries: ReadonlyMap<string, CatalogEntry>): Promise<void> {
    const lines: string[] = [];
    for (const entry of entries.values()) {
      const line = this.#encoded.get(entry) ?? encodeEntry(entry, this.dir);
      this.#encoded.set(entry, line);
      lines.push(line);
    }
    await writeDurably(join(this.dir, 'catalog.json'), encodeIndex(lines));
  }
}

function known(draft: ReadonlyMap<string, CatalogEntry>, id: string): CatalogEntry {
  const entry = draft.get(id);
  if (entry === undefined) throw new CatalogError('NOT_FOUND', `no model "${id}" in the catalog; see "corral models ls"`);
  return entry;
}

function sameEntries(a: ReadonlyMap<string, CatalogEntry>, b: ReadonlyMap<string, CatalogEntry>): boolean {
  return a.size === b.size && [...a].every(([id, entry]) => b.get(id) === entry);
}

function writeFailed(dir: string, cause: unknown): CatalogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CatalogError(
    'WRITE_FAILED',
    `${join(dir, 'catalog.json')} could not be written: ${reason}; free space or mend the permissions, then try again`,
    { cause },
  );
}
