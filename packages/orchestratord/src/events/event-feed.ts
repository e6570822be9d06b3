import type { EventEnvelope } from '@corral/contracts';

/** An event that passed, and its place in the order in which they passed. */
export interface FeedEntry {
  /** Grows with every entry, also over restarts. */
  readonly id: number;
  readonly event: EventEnvelope;
}

const KEPT_MAX = 1_000;

/** The last events that passed the bus on this side, for whoever follows them. Older ones are forgotten. [E-40] */
export class EventFeed {
  readonly #entries: FeedEntry[] = [];
  readonly #listeners = new Set<(entry: FeedEntry) => void>();
  #lastId: number;

  /** @param startMs the wall clock; ids begin there. */
  constructor(
    startMs: number,
    private readonly keptMax = KEPT_MAX,
  ) {
    this.#lastId = startMs * 1_000;
  }

  readonly put = (event: EventEnvelope): void => {
    const entry = { id: (this.#lastId += 1), event };
    this.#entries.push(entry);
    if (this.#entries.length > this.keptMax) this.#entries.shift();
    for (const listener of [...this.#listeners]) listener(entry);
  };

  /** What is kept after an id, oldest first; everything for 0. */
  after(id: number): readonly FeedEntry[] {
    return this.#entries.filter((entry) => entry.id > id);
  }

  /** Who follows now. */
  get listeners(): number {
    return this.#listeners.size;
  }

  /** Called with each entry from now on. The listener must not throw. Returns the end of it. */
  onEntry(listener: (entry: FeedEntry) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
