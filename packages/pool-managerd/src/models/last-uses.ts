import type { Digest } from '@corral/catalog-core';
import type { CatalogStore } from '@corral/catalog-core/fs';
import type { Clock, Log } from '@corral/service-kit';

export interface LastUsesOptions {
  readonly store: Pick<CatalogStore, 'list' | 'noteUsed' | 'flush'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A use so soon after another one of the same file is none. */
const GAP_MS = 1_000;
/** A crash may lose the uses of this time. */
const FLUSH_MS = 60_000;

/** Notes when files are used: by loads, copies into the staging area and tasks. [D-36] */
export class LastUses {
  readonly #notedMs = new Map<Digest, number>();

  constructor(private readonly options: LastUsesOptions) {}

  /** Cheap; call it for every use. */
  readonly used = (digest: string): void => {
    const { store, clock, log } = this.options;
    const nowMs = clock.nowMs();
    if (Math.abs(nowMs - (this.#notedMs.get(digest as Digest) ?? -Infinity)) < GAP_MS) return;
    const entries = store.list();
    const ids = entries.filter((entry) => entry.digest === digest).map(({ id }) => id);
    this.#forgetAllBut(entries);
    if (ids.length === 0) return;
    this.#notedMs.set(digest as Digest, nowMs);
    store.noteUsed(new Map(ids.map((id) => [id, nowMs]))).catch((error: unknown) => log.debug('use of a model not noted', { digest, error }));
  };

  /** Makes durable what was noted, now and then, until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.options;
    for (;;) {
      await clock.sleep(FLUSH_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      await store.flush().catch((error: unknown) => log.warn('times of last use not written', { error }));
    }
  }

  #forgetAllBut(entries: readonly { readonly digest: Digest }[]): void {
    if (this.#notedMs.size <= entries.length) return;
    const known = new Set(entries.map(({ digest }) => digest));
    for (const digest of this.#notedMs.keys()) if (!known.has(digest)) this.#notedMs.delete(digest);
  }
}
