import { rm } from 'node:fs/promises';
import { isCatalogError } from '@corral/catalog-core/fs';
import type { CatalogStore, ResumableFolder as StoredFolder } from '@corral/catalog-core/fs';
import type { ResumableFolder } from './fetcher.js';
import { ProvisionError } from './provision-error.js';
import type { ProvisionCode } from './provision-error.js';

/** Failures after which what has come is as good as before. A full disk needs the room, wrong bytes need nothing. */
const KEPT_AFTER: ReadonlySet<ProvisionCode> = new Set([
  'ACCESS_DENIED',
  'UNREACHABLE',
  'FETCH_FAILED',
  'CATALOG_FAILED',
  'CANCELED',
  'SOURCES_FAILED',
]);

interface OpenFolder {
  readonly source: string;
  readonly folder: StoredFolder;
  isKept: boolean;
}

/** The folders of one piece of work. None outlives it but those that a later fetch can go on with. [D-24 D-50] */
export class SourceFolders {
  readonly #plain: string[] = [];
  readonly #resumable: OpenFolder[] = [];

  constructor(private readonly store: CatalogStore) {}

  async create(): Promise<string> {
    const path = await this.store.createPartialFolder();
    this.#plain.push(path);
    return path;
  }

  /** `ref` is the canonical form of the source. */
  async openResumable(source: string, ref: string): Promise<ResumableFolder> {
    try {
      const open: OpenFolder = { source, folder: await this.store.openResumableFolder(ref), isKept: false };
      this.#resumable.push(open);
      return {
        path: open.folder.path,
        keep: () => {
          open.isKept = true;
        },
      };
    } catch (error) {
      if (isCatalogError(error) && error.code === 'LOCKED') throw new ProvisionError('BUSY', error.message, { cause: error });
      throw error;
    }
  }

  /** A source failed, and others may follow. */
  failed(source: string, code: ProvisionCode): void {
    if (KEPT_AFTER.has(code)) return;
    for (const open of this.#resumable) if (open.source === source) open.isKept = false;
  }

  /** Removes what is of no use any longer; `failure` is `null` when the model is there. */
  async end(failure: ProvisionCode | null): Promise<void> {
    const isUseful = failure !== null && KEPT_AFTER.has(failure);
    for (const path of this.#plain) await rm(path, { recursive: true, force: true });
    for (const { folder, isKept } of this.#resumable) await folder.release(isUseful && isKept ? 'keep' : 'remove');
  }
}
