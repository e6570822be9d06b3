import type { Clock, Log } from '@corral/service-kit';
import type { Store } from '../store/open-store.js';
import { addUsage, listUsage, type Usage, type UsageQuery } from '../store/usage-rows.js';

/** Whose usage it is; `keyId` null for callers without a key. */
export interface UsedBy {
  readonly orgId: string;
  readonly keyId: string | null;
}

export interface UsageMeterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** What a crash can lose at most. */
  readonly flushMs: number;
}

/** Counts in memory and writes what has come together now and then: a commit per request would cost a disk sync each. [B-136] */
export class UsageMeter {
  #counted = new Map<string, Usage>();
  #flushing: Promise<void> = Promise.resolve();
  #running: Promise<void> | null = null;
  readonly #stopped = new AbortController();

  constructor(private readonly options: UsageMeterOptions) {}

  start(): void {
    this.#running ??= this.#run();
  }

  /** One request has ended, whatever its end; tokens are those that are known to have been read and written for it. */
  count({ orgId, keyId }: UsedBy, { tokensIn, tokensOut }: { readonly tokensIn: number; readonly tokensOut: number }): void {
    this.#add({ orgId, keyId, requests: 1, tokensIn, tokensOut, lastUsedAtMs: this.options.clock.nowMs() });
  }

  /** Includes everything that was counted before the call. */
  async list(query: UsageQuery): Promise<readonly Usage[]> {
    await this.flush();
    return listUsage(this.options.store.db, query);
  }

  /** What cannot be written is counted again with the next flush. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(async () => {
      const batch = [...this.#counted.values()];
      this.#counted = new Map();
      if (batch.length === 0) return;
      try {
        await addUsage(this.options.store.db, batch);
      } catch (error) {
        this.options.log.error('usage not written', { keys: batch.length, error });
        for (const one of batch) this.#add(one);
      }
    });
    return this.#flushing;
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the usage meter is closed'));
    await this.#running;
    await this.flush();
  }

  #add(one: Usage): void {
    const name = `${one.orgId}/${one.keyId ?? ''}`;
    const before = this.#counted.get(name);
    this.#counted.set(name, {
      ...one,
      requests: one.requests + (before?.requests ?? 0),
      tokensIn: one.tokensIn + (before?.tokensIn ?? 0),
      tokensOut: one.tokensOut + (before?.tokensOut ?? 0),
      lastUsedAtMs: Math.max(one.lastUsedAtMs, before?.lastUsedAtMs ?? 0),
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      await this.options.clock.sleep(this.options.flushMs, this.#stopped.signal).catch(() => undefined);
      await this.flush();
    }
  }
}
