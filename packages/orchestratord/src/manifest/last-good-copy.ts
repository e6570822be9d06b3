import { readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readJsonFile, writeFileAtomic } from '@corral/service-kit';

/** A manifest as it was read, with the file that it was read from. */
export interface ManifestCopy {
  readonly path: string;
  readonly text: string;
}

/** A way back that can be tried again. */
export type WayBack = () => Promise<void>;

/**
 * `<state dir>/manifest.last-good.json`: what serves where the file itself cannot be. Written aside first, then put in
 * place by a rename, so that a restart at any moment finds one whole manifest. [F-24 F-34]
 */
export class LastGoodCopy {
  readonly #path: string;
  readonly #aside: string;

  constructor(stateDir: string) {
    this.#path = join(stateDir, 'manifest.last-good.json');
    this.#aside = join(stateDir, 'manifest.next.json');
  }

  /** `undefined` where there is none that can be read. */
  async read(): Promise<ManifestCopy | undefined> {
    const copy = (await readJsonFile(this.#path).catch(() => undefined)) as Partial<ManifestCopy> | undefined;
    return typeof copy?.path === 'string' && typeof copy.text === 'string' ? { path: copy.path, text: copy.text } : undefined;
  }

  write(copy: ManifestCopy): Promise<void> {
    return writeFileAtomic(this.#path, JSON.stringify(copy));
  }

  /** Writes it aside. Returns the way back. */
  async prepare(copy: ManifestCopy): Promise<WayBack> {
    await writeFileAtomic(this.#aside, JSON.stringify(copy));
    return () => rm(this.#aside, { force: true });
  }

  /** Puts what was written aside in place. Returns the way back. */
  async commit(): Promise<WayBack> {
    const before = await readFile(this.#path).catch(() => null);
    await rename(this.#aside, this.#path);
    return () => (before === null ? rm(this.#path, { force: true }) : writeFileAtomic(this.#path, before));
  }
}
