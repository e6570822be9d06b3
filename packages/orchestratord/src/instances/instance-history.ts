import type { Clock, Log } from '@corral/service-kit';
import { addHappenings, listHappenings, type InstanceHappening } from '../store/instance-event-rows.js';
import type { InstanceKey } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';

export interface InstanceHistoryOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** Events of one instance that are kept. */
  readonly keptMax?: number;
}

export type Happening = InstanceHappening & { readonly id: number };

const KEPT_MAX = 200;
/** What comes together is written together: a commit costs a disk sync. */
const GATHER_MS = 100;
const PENDING_MAX = 10_000;

/** The one owner of what happened to instances: bounded for each of them, and durable a moment later. [B-153] */
export class InstanceHistory {
  #pending: InstanceHappening[] = [];
  #writing: Promise<void> = Promise.resolve();
  #isScheduled = false;
  readonly #closed = new AbortController();

  constructor(private readonly options: InstanceHistoryOptions) {}

  /** Takes the event and returns at once; a store that cannot keep up costs the oldest that wait. */
  note(happening: InstanceHappening): void {
    this.#pending.push(happening);
    if (this.#pending.length > PENDING_MAX) this.#pending.shift();
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    void this.options.clock.sleep(GATHER_MS, this.#closed.signal).then(() => this.#write(), () => undefined);
  }

  /** Newest first, everything that was noted before the call included. */
  async list(key: InstanceKey, page: { readonly limit: number; readonly beforeId: number | null }): Promise<readonly Happening[]> {
    await this.#write();
    return listHappenings(this.options.store.db, key, page);
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#closed.abort(new Error('the history is closed'));
    await this.#write();
  }

  #write(): Promise<void> {
    this.#isScheduled = false;
    const { store, log, keptMax = KEPT_MAX } = this.options;
    const happenings = this.#pending;
    this.#pending = [];
    if (happenings.length === 0) return this.#writing;
    this.#writing = this.#writing.then(() =>
      store.db
        .transaction()
        .execute((tx) => addHappenings(tx, happenings, keptMax))
        .catch((error: unknown) => log.error('events of instances not stored', { count: happenings.length, error })),
    );
    return this.#writing;
  }
}
