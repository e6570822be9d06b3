import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogEntry, Lifecycle, RemovalRule } from '../catalog-entry.js';
import { blobName } from '../digest.js';
import type { Digest } from '../digest.js';
import { findEntry } from '../find-entry.js';
import { encodeEntry, encodeIndex } from '../index-document.js';
import { CatalogError, isCatalogError } from './catalog-error.js';
import { checkFile } from './check-file.js';
import { entryProblem } from './entry-problem.js';
import { IndexWriter } from './index-writer.js';
import { PartialFolders } from './partial-folders.js';
import type { ResumableFolder } from './partial-folders.js';
import { syncDirectory } from './write-durably.js';
import type { WriterLock } from './writer-lock.js';

/** What a removal did. `deleted`: the entry is gone. `fileError` says why its file stayed behind all the same. [D-06] */
export interface Removal {
  readonly deleted: boolean;
  readonly freedBytes: number;
  readonly fileError: string | null;
}

/** A removal that was begun before and has ended now. */
export interface EndedRemoval extends Removal {
  readonly id: string;
  readonly digest: Digest;
  readonly rule: RemovalRule;
}

export interface RemovalOptions {
  readonly rule?: RemovalRule;
  /** Whether the model may still go. */
  readonly mayGo?: (entry: CatalogEntry) => boolean;
}

const MAX_ENTRIES = 100_000;

/**
 * The models on this node's disk: the only writer of `catalog.json` and of the files beside it.
 *
 * Reads answer from memory with what is durable. Changes run one after another; those that wait while the
 * index is being written share the next write, so that many small changes cost few writes. [D-01 D-04 D-05]
 */
export class CatalogStore {
  readonly #index: IndexWriter<CatalogEntry>;
  readonly #partials: PartialFolders;

  constructor(
    readonly dir: string,
    entries: Iterable<CatalogEntry>,
    lock: WriterLock,
  ) {
    this.#index = new IndexWriter(entries, { path: join(dir, 'catalog.json'), encodeEntry: (entry) => encodeEntry(entry, dir), encodeIndex }, lock);
    this.#partials = new PartialFolders(dir);
  }

  /** Grows with every change of an entry: who remembers it need not compare. */
  get revision(): number {
    return this.#index.revision;
  }

  /** Called after each change of an entry; must not throw. One listener. */
  onChange(listener: () => void): void {
    this.#index.onChange(listener);
  }

  get(id: string): CatalogEntry | null {
    const entry = this.#index.entries.get(id) ?? null;
    return entry?.removing === undefined ? entry : null;
  }

  /** Every entry, in the order of registration. */
  list(): readonly CatalogEntry[] {
    return [...this.#index.entries.values()].filter(({ removing }) => removing === undefined);
  }

  /** Whether a model with this id or reference is registered, whatever became of its file. [D-04] */
  exists(idOrRef: string): boolean {
    return this.#find(idOrRef) !== null;
  }

  /** The entry of this id or reference if its file is there in its full size, else `null`. Writes nothing. [D-04] */
  async locate(idOrRef: string): Promise<CatalogEntry | null> {
    const entry = this.#find(idOrRef);
    if (entry === null) return null;
    const { kind } = await checkFile(entry);
    return kind === 'same' || kind === 'touched' ? entry : null;
  }

  /** Adds an entry or replaces the one with its id. Its file must be in place in its full size. */
  put(entry: CatalogEntry): Promise<CatalogEntry> {
    return this.#index.change(async (draft) => this.#set(draft, entry));
  }

  /** Replaces an entry by what `change` makes of it; rejects with NOT_FOUND when there is none. `change` may not rename it. */
  update(id: string, change: (entry: CatalogEntry) => CatalogEntry): Promise<CatalogEntry> {
    return this.#index.change(async (draft) => {
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

  /** Remembers when a model was last used. Seen at once, written with the next change, `flush` or `close`. [D-36] */
  async noteUsed(ids: ReadonlyMap<string, number>): Promise<void> {
    await this.#index.note(async (draft) => {
      for (const [id, lastUsedMs] of ids) {
        const entry = draft.get(id);
        if (entry !== undefined && (entry.lastUsedMs ?? 0) < lastUsedMs) draft.set(id, { ...entry, lastUsedMs });
      }
    });
  }

  /** Makes durable what was only noted. */
  flush(): Promise<void> {
    return this.#index.flush();
  }

  /**
   * Marks an entry, removes its file, unless that is external or another entry uses it, and then the entry. [D-06 D-35]
   *
   * Nobody sees the entry any more once it is marked, and whoever opens the catalog after a crash ends what was begun. `mayGo`
   * is asked before each of the two steps, so that a model that came into use meanwhile stays. That, and an unknown id, report
   * `deleted: false`. On a disk too full for the mark the file goes first: a crash then leaves an entry that the next look
   * finds without one.
   */
  async delete(id: string, { rule = 'Purge', mayGo = () => true }: RemovalOptions = {}): Promise<Removal> {
    const marked = await this.#mark(id, { rule, mayGo }).catch((error: unknown) => {
      if (isCatalogError(error) && error.code === 'WRITE_FAILED') return this.get(id);
      throw error;
    });
    return marked === null ? NOT_DELETED : this.#endRemoval(marked, mayGo);
  }

  /** Ends the removals that were begun and not ended: a crash cut them short, or the index could not be written then. Returns what is gone. [D-35] */
  async endRemovals(): Promise<readonly EndedRemoval[]> {
    const begun = [...this.#index.entries.values()].filter(({ removing }) => removing !== undefined);
    const removals = await Promise.all(begun.map((entry) => this.#endRemoval(entry, () => true).catch(() => NOT_DELETED)));
    return begun.flatMap(({ id, digest, removing: rule = 'Purge' }, n) => {
      const removal = removals[n] ?? NOT_DELETED;
      return removal.deleted ? [{ id, digest, rule, ...removal }] : [];
    });
  }

  #mark(id: string, { rule, mayGo }: Required<RemovalOptions>): Promise<CatalogEntry | null> {
    return this.#index.change(async (draft) => {
      const entry = draft.get(id) ?? null;
      if (entry === null || entry.removing !== undefined) return entry;
      if (!mayGo(entry)) return null;
      const removing = { ...entry, removing: rule };
      draft.set(id, removing);
      return removing;
    });
  }

  #endRemoval(marked: CatalogEntry, mayGo: (entry: CatalogEntry) => boolean): Promise<Removal> {
    return this.#index.change(async (draft) => {
      // Registered anew meanwhile: then the file is that one's.
      if (draft.get(marked.id) !== marked) return NOT_DELETED;
      if (!mayGo(marked)) {
        const { removing: _rule, ...entry } = marked;
        if (marked.removing !== undefined) draft.set(marked.id, entry);
        return NOT_DELETED;
      }
      const isShared = [...draft.values()].some((entry) => entry !== marked && entry.localPath === marked.localPath);
      const removal = marked.external || isShared ? { ...NOT_DELETED, deleted: true } : await removeFile(marked, this.dir);
      draft.delete(marked.id);
      return removal;
    });
  }

  #find(idOrRef: string): CatalogEntry | null {
    const found = findEntry(this.#index.entries, idOrRef);
    if (found?.removing === undefined) return found;
    return findEntry(new Map(this.list().map((entry) => [entry.id, entry])), idOrRef);
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
    return this.#index.change(async () => {
      const path = join(this.dir, blobName(digest));
      await rename(partialPath, path);
      await syncDirectory(this.dir);
      return path;
    });
  }

  /** Finishes the waiting changes, gives up the right to write, and refuses everything after that. */
  close(): Promise<void> {
    return this.#index.close();
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
}

const NOT_DELETED: Removal = { deleted: false, freedBytes: 0, fileError: null };

/** Durable, since the entry goes next. */
async function removeFile({ localPath, sizeBytes }: CatalogEntry, dir: string): Promise<Removal> {
  try {
    const found = await stat(localPath).catch(() => null);
    await rm(localPath, { force: true });
    await syncDirectory(dir);
    return { deleted: true, freedBytes: found === null ? 0 : sizeBytes, fileError: null };
  } catch (error) {
    return { deleted: true, freedBytes: 0, fileError: error instanceof Error ? error.message : String(error) };
  }
}

function known(draft: ReadonlyMap<string, CatalogEntry>, id: string): CatalogEntry {
  const entry = draft.get(id);
  if (entry === undefined || entry.removing !== undefined) throw new CatalogError('NOT_FOUND', `no model "${id}" in the catalog; see "corral models ls"`);
  return entry;
}
