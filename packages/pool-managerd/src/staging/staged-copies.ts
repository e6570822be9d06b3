import { statSync } from 'node:fs';
import { rm, utimes } from 'node:fs/promises';
import type { Digest } from '@corral/catalog-core';
import { formatBytes, messageOf } from '@corral/service-kit';
import { recordPath, stagedPath } from './staged-record.js';
import type { EvictionReason, StagingAreaOptions } from './staging-area-options.js';
import type { StagedCopy } from './staging-wish.js';

/** The right to use a staged file: it stays until the right is given back. */
export interface StagedLease {
  readonly path: string;
  release(): void;
}

type StagedCopiesOptions = Pick<StagingAreaOptions, 'dir' | 'found' | 'clock' | 'log' | 'onChange' | 'onEvicted'>;

/** The whole files of the staging area, who holds them and when they were used. */
export class StagedCopies {
  readonly #copies = new Map<Digest, StagedCopy>();

  constructor(private readonly options: StagedCopiesOptions) {
    for (const file of options.found) this.#copies.set(file.digest, { ...file, path: stagedPath(options.dir, file.digest), leases: 0 });
  }

  list(): readonly StagedCopy[] {
    return [...this.#copies.values()];
  }

  find(digest: Digest): StagedCopy | undefined {
    return this.#copies.get(digest);
  }

  /** Its file and its record are there. */
  arrived(copy: Omit<StagedCopy, 'path' | 'leases'>): void {
    this.#copies.set(copy.digest, { ...copy, path: stagedPath(this.options.dir, copy.digest), leases: 0 });
  }

  /** It counts as used now; false where it is not there. */
  touch(digest: Digest): boolean {
    const copy = this.#copies.get(digest);
    if (copy === undefined) return false;
    this.#put({ ...copy, lastUsedMs: this.options.clock.nowMs() });
    return true;
  }

  /** The file for a load, held until the lease is released; `null` where it is not there. [C-72] */
  lease(digest: Digest, onReleased: () => void): StagedLease | null {
    const copy = this.#copies.get(digest);
    if (copy === undefined) return null;
    if (!isThere(copy)) {
      void this.evict(copy, 'lost');
      return null;
    }
    this.#put({ ...copy, leases: copy.leases + 1, lastUsedMs: this.options.clock.nowMs() });
    let isHeld = true;
    const release = (): void => {
      const held = this.#copies.get(digest);
      if (!isHeld || held === undefined) return;
      isHeld = false;
      this.#put({ ...held, leases: held.leases - 1, lastUsedMs: this.options.clock.nowMs() });
      onReleased();
    };
    return { path: copy.path, release };
  }

  async evict(copy: StagedCopy | undefined, reason: EvictionReason): Promise<void> {
    if (copy === undefined || !this.#copies.delete(copy.digest)) return;
    const { dir, log, onEvicted, onChange } = this.options;
    onEvicted(reason);
    log.info('model left the staging area', { model_id: copy.modelId, digest: copy.digest, cause: reason, freed: formatBytes(copy.sizeBytes) });
    // The weights first: a record without weights is nothing, weights without a record would be RAM that nobody counts.
    for (const path of [copy.path, recordPath(dir, copy.digest)]) {
      await rm(path, { force: true }).catch((error: unknown) => log.warn('staged file not removed', { path, error: messageOf(error) }));
    }
    onChange();
  }

  #put(copy: StagedCopy): void {
    this.#copies.set(copy.digest, copy);
    const usedAt = new Date(copy.lastUsedMs);
    // So that a restart knows the order; without it, it only evicts in another one.
    void utimes(recordPath(this.options.dir, copy.digest), usedAt, usedAt).catch(() => undefined);
    this.options.onChange();
  }
}

function isThere({ path, sizeBytes }: StagedCopy): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && found.size === sizeBytes;
}
