import { mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineIdProblem } from '../engine-entry.js';
import type { EngineEntry } from '../engine-entry.js';
import { decodeEngineIndex, encodeEngine, encodeEngineIndex, ENGINE_INDEX_SCHEMA_VERSION } from '../engine-index-document.js';
import { CatalogError } from './catalog-error.js';
import type { Removal } from './catalog-store.js';
import { IndexWriter } from './index-writer.js';
import { PartialFolders, removeOrphans } from './partial-folders.js';
import { readIndex } from './read-index.js';
import { syncDirectory } from './write-durably.js';
import { acquireWriterLock } from './writer-lock.js';
import type { WriterLock } from './writer-lock.js';

const INDEX = 'engines.json';
const MAX_ENTRIES = 1_000;

/**
 * The engine bundles of this node: the only writer of `engines.json` and of the folders beside it, one per bundle,
 * named after its id. Reads answer from memory with what is durable. [D-11 D-70]
 */
export class EngineStore {
  readonly #index: IndexWriter<EngineEntry>;
  readonly #partials: PartialFolders;

  constructor(
    readonly dir: string,
    entries: Iterable<EngineEntry>,
    lock: WriterLock,
  ) {
    this.#index = new IndexWriter(entries, { path: join(dir, INDEX), encodeEntry: (entry) => encodeEngine(entry, dir), encodeIndex: encodeEngineIndex }, lock);
    this.#partials = new PartialFolders(dir);
  }

  get(id: string): EngineEntry | null {
    return this.#index.entries.get(id) ?? null;
  }

  /** Every entry, in the order of registration. */
  list(): readonly EngineEntry[] {
    return [...this.#index.entries.values()];
  }

  /** An empty folder for a bundle that is being prepared. What is left in it is removed when the catalog is opened again. */
  createPartialFolder(): Promise<string> {
    return this.#partials.create();
  }

  /**
   * Makes a whole, synced folder the folder of a bundle and writes its entry, whose `location` it sets. An id that is taken
   * is refused. A crash in between leaves a folder without an entry, which the next opening removes. [D-71]
   */
  publish(partialFolder: string, entry: EngineEntry): Promise<EngineEntry> {
    return this.#index.change(async (draft) => {
      if (draft.has(entry.id)) throw new CatalogError('INVALID_ENTRY', `there is an engine "${entry.id}" already; choose another id, or remove that one with "corral engines rm ${entry.id}"`);
      const location = join(this.dir, entry.id);
      const placed = checked({ ...entry, location, inPlace: false }, draft.size);
      await rename(partialFolder, location);
      await syncDirectory(this.dir);
      draft.set(placed.id, placed);
      return placed;
    });
  }

  /** Adds an entry whose files lie elsewhere, or replaces the one with its id. */
  put(entry: EngineEntry): Promise<EngineEntry> {
    return this.#index.change(async (draft) => {
      draft.set(entry.id, checked(entry, draft.has(entry.id) ? 0 : draft.size));
      return entry;
    });
  }

  /** Replaces an entry by what `change` makes of it; rejects with NOT_FOUND when there is none. */
  update(id: string, change: (entry: EngineEntry) => EngineEntry): Promise<EngineEntry> {
    return this.#index.change(async (draft) => {
      const before = draft.get(id);
      if (before === undefined) throw new CatalogError('NOT_FOUND', `no engine "${id}" on this node; see "corral engines ls"`);
      const changed = change(before);
      if (changed === before) return before;
      draft.set(id, checked({ ...changed, id }, 0));
      return changed;
    });
  }

  /** Lets one bundle run the replicas of a kind of device, and no other; in one write. [D-74] */
  choose(id: string, kind: EngineEntry['deviceKinds'][number]): Promise<void> {
    return this.#index.change(async (draft) => {
      if (!draft.has(id)) throw new CatalogError('NOT_FOUND', `no engine "${id}" on this node; see "corral engines ls"`);
      for (const entry of draft.values()) {
        const without = entry.chosenFor.filter((each) => each !== kind);
        const chosenFor = entry.id === id ? [...without, kind] : without;
        if (chosenFor.length !== entry.chosenFor.length) draft.set(entry.id, { ...entry, chosenFor });
      }
    });
  }

  /** Removes an entry, then its folder, unless that lies elsewhere. An unknown id, and one that may not go, report `deleted: false`. [D-71] */
  async delete(id: string, { mayGo = () => true }: { readonly mayGo?: (entry: EngineEntry) => boolean } = {}): Promise<Removal> {
    const removed = await this.#index.change(async (draft) => {
      const entry = draft.get(id) ?? null;
      if (entry === null || !mayGo(entry)) return null;
      draft.delete(id);
      return entry;
    });
    if (removed === null) return { deleted: false, freedBytes: 0, fileError: null };
    if (removed.inPlace || removed.mode === 'external') return { deleted: true, freedBytes: 0, fileError: null };
    try {
      await rm(removed.location, { recursive: true, force: true });
      return { deleted: true, freedBytes: removed.artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), fileError: null };
    } catch (error) {
      return { deleted: true, freedBytes: 0, fileError: error instanceof Error ? error.message : String(error) };
    }
  }

  /** Finishes the waiting changes, gives up the right to write, and refuses everything after that. */
  close(): Promise<void> {
    return this.#index.close();
  }
}

/** Opens the engines directory of a node and removes what a crash left there. Throws as `openCatalog` does. [D-11 D-71] */
export async function openEngines(dir: string): Promise<{ readonly store: EngineStore; readonly removed: readonly string[] }> {
  await mkdir(dir, { recursive: true });
  const root = await realpath(dir);
  const lock = await acquireWriterLock(root);
  try {
    const entries = await readIndex({ path: join(root, INDEX), version: ENGINE_INDEX_SCHEMA_VERSION, decode: (text) => decodeEngineIndex(text, root), without: 'the folders of engines beside it are removed then; add them again' });
    const removed = [...(await removeOrphans(root, Infinity)), ...(await removeUnregistered(root, entries))];
    return { store: new EngineStore(root, entries, lock), removed };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function removeUnregistered(root: string, entries: readonly EngineEntry[]): Promise<readonly string[]> {
  const known = new Set(entries.map(({ location }) => location));
  const orphans = (await readdir(root, { withFileTypes: true })).filter((item) => item.isDirectory() && !item.name.startsWith('.') && !known.has(join(root, item.name)));
  for (const { name } of orphans) await rm(join(root, name), { recursive: true, force: true });
  return orphans.map(({ name }) => name).toSorted();
}

function checked(entry: EngineEntry, others: number): EngineEntry {
  const problem = engineIdProblem(entry.id);
  if (problem !== null) throw new CatalogError('INVALID_ENTRY', problem);
  if (others >= MAX_ENTRIES) throw new CatalogError('FULL', `the catalog holds ${MAX_ENTRIES} engines; remove some with "corral engines rm"`);
  if ((entry.state === 'Retired') !== (entry.retiredAtMs !== null)) throw new CatalogError('INVALID_ENTRY', `engine "${entry.id}" is ${entry.state} with a retirement time that contradicts it; set its state again`);
  return entry;
}
