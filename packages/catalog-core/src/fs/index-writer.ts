import { CatalogError } from './catalog-error.js';
import { writeDurably } from './write-durably.js';
import type { WriterLock } from './writer-lock.js';

/** What an index is of, and how it is written. */
export interface IndexFormat<Entry extends { readonly id: string }> {
  /** Absolute path of the index file. */
  readonly path: string;
  /** One entry as a line of the index. */
  encodeEntry(entry: Entry): string;
  encodeIndex(lines: readonly string[]): string;
}

interface Operation<Entry> {
  /** Changes the draft as its last step, so that a failed operation leaves it alone. */
  readonly apply: (draft: Map<string, Entry>) => Promise<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  /** May wait for the next write of others. */
  readonly isLazy: boolean;
}

const MAX_WAITING = 10_000;

/**
 * The entries of one index file: the only writer of it.
 *
 * Reads answer from memory with what is durable. Changes run one after another; those that wait while the
 * index is being written share the next write, so that many small changes cost few writes. [D-04 D-05]
 */
export class IndexWriter<Entry extends { readonly id: string }> {
  #entries: ReadonlyMap<string, Entry>;
  readonly #encoded = new WeakMap<Entry, string>();
  #waiting: Operation<Entry>[] = [];
  #loop: Promise<void> | null = null;
  #closed = false;
  #isUnwritten = false;
  #revision = 0;
  #onChange: () => void = () => {};

  constructor(
    entries: Iterable<Entry>,
    private readonly format: IndexFormat<Entry>,
    private readonly lock: WriterLock,
  ) {
    this.#entries = new Map([...entries].map((entry) => [entry.id, entry]));
  }

  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries;
  }

  /** Grows with every change of the entries. */
  get revision(): number {
    return this.#revision;
  }

  /** Called after each change of the entries; must not throw. One listener. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Runs `apply` on a draft of the entries, and resolves with what it returned once the draft is durable. */
  change<T>(apply: (draft: Map<string, Entry>) => Promise<T>): Promise<T> {
    return this.#enqueue(apply, false);
  }

  /** As `change`, for what may be lost in a crash: it is seen at once and goes to the disk with the next write, `flush` or `close`. */
  note<T>(apply: (draft: Map<string, Entry>) => Promise<T>): Promise<T> {
    return this.#enqueue(apply, true);
  }

  /** Makes what was noted durable. */
  async flush(): Promise<void> {
    if (this.#isUnwritten) await this.#enqueue(() => Promise.resolve(), false);
  }

  #enqueue<T>(apply: (draft: Map<string, Entry>) => Promise<T>, isLazy: boolean): Promise<T> {
    if (this.#closed) return Promise.reject(new CatalogError('CLOSED', `${this.format.path} is closed; open it again`));
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new CatalogError('FULL', `${MAX_WAITING} changes wait for ${this.format.path}; try again later`));
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ apply, resolve: resolve as (value: never) => void, reject, isLazy });
      this.#loop ??= this.#run();
    });
  }

  /** Finishes the waiting changes, gives up the right to write, and refuses everything after that. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#loop;
    // What was only noted is not worth a failure to close.
    if (this.#isUnwritten) await this.#write(this.#entries).catch(() => undefined);
    await this.lock.release();
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

  async #commit(batch: readonly Operation<Entry>[]): Promise<void> {
    const draft = new Map(this.#entries);
    const settled: { readonly operation: Operation<Entry>; readonly value: unknown }[] = [];
    for (const operation of batch) {
      try {
        settled.push({ operation, value: await operation.apply(draft) });
      } catch (error) {
        operation.reject(error);
      }
    }
    const isChanged = !sameEntries(draft, this.#entries);
    const isUrgent = settled.some(({ operation }) => !operation.isLazy);
    try {
      if (isUrgent && (isChanged || this.#isUnwritten)) await this.#write(draft);
    } catch (error) {
      for (const { operation } of settled) operation.reject(writeFailed(this.format.path, error));
      return;
    }
    if (isChanged) {
      this.#entries = draft;
      this.#revision += 1;
      this.#isUnwritten ||= !isUrgent;
    }
    for (const { operation, value } of settled) operation.resolve(value as never);
    if (isChanged) this.#onChange();
  }

  async #write(entries: ReadonlyMap<string, Entry>): Promise<void> {
    const lines: string[] = [];
    for (const entry of entries.values()) {
      const line = this.#encoded.get(entry) ?? this.format.encodeEntry(entry);
      this.#encoded.set(entry, line);
      lines.push(line);
    }
    await writeDurably(this.format.path, this.format.encodeIndex(lines));
    this.#isUnwritten = false;
  }
}

function sameEntries<Entry>(a: ReadonlyMap<string, Entry>, b: ReadonlyMap<string, Entry>): boolean {
  return a.size === b.size && [...a].every(([id, entry]) => b.get(id) === entry);
}

function writeFailed(path: string, cause: unknown): CatalogError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CatalogError('WRITE_FAILED', `${path} could not be written: ${reason}; free space or mend the permissions, then try again`, { cause });
}
