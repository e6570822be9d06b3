import { watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import type { Clock, Log } from '@corral/service-kit';
import { fileIdentity, folderIdentity } from './file-identity.js';

export interface FileWatchOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Log;
  /** The file has come to rest with another content. */
  onChange(): void;
}

/** Quiet for so long means that whoever writes has finished. [F-15] */
const DEBOUNCE_MS = 200;
/** Whoever never finishes does not keep what was written from being seen. */
const LONGEST_STIR_MS = 2_000;
/** How often it is looked whether the folder is still the one that is watched; also what notices a change that no event tells. */
const CHECK_MS = 1_000;

/**
 * Tells when one file changes. The folder is watched, since editors rename a new file over the old one and mounted
 * configurations turn a link in it; events are only the occasion to look, so that other files of the folder cause
 * nothing. Never fails: a folder that goes away is watched again when it is back, and while the file is away nothing is
 * told. [F-15]
 */
export class FileWatch {
  readonly #stopped = new AbortController();
  #seen: string | null = null;
  #watcher: FSWatcher | null = null;
  #folder: string | null = null;
  #running: Promise<void> | null = null;
  /** What the last look saw while it was not yet at rest; `undefined` = at rest. */
  #stirring: string | null | undefined = undefined;
  #isStirred = false;
  #isMissing = false;
  #isLooking = false;
  #isToLookAgain = false;

  constructor(private readonly options: FileWatchOptions) {}

  /** @param seen identity of the content that is known already; left out, the one of now. */
  async start(seen?: string | null): Promise<void> {
    this.#seen = seen === undefined ? await fileIdentity(this.options.path) : seen;
    await this.#watchFolder();
    this.options.log.info('manifest is watched', { path: this.options.path });
    this.#running = this.#check();
  }

  async close(): Promise<void> {
    this.#stopped.abort(new Error('the watch is closed'));
    this.#watcher?.close();
    await this.#running;
  }

  async #check(): Promise<void> {
    const { signal } = this.#stopped;
    while (!signal.aborted) {
      await this.#look();
      await this.options.clock.sleep(CHECK_MS, signal).catch(() => undefined);
      if (!signal.aborted) await this.#watchFolder();
    }
  }

  /** A watcher stays with a folder, not with its name. */
  async #watchFolder(): Promise<void> {
    const folder = dirname(this.options.path);
    const identity = await folderIdentity(folder);
    if (identity === this.#folder && (this.#watcher !== null || identity === null)) return;
    this.#watcher?.close();
    this.#watcher = null;
    this.#folder = identity;
    if (identity === null || this.#stopped.signal.aborted) return;
    try {
      this.#watcher = watch(folder, { persistent: false }, () => void this.#look());
      this.#watcher.on('error', (error) => this.#unwatched(error));
    } catch (error) {
      this.#unwatched(error);
    }
  }

  /** The regular look goes on without events. */
  #unwatched(error: unknown): void {
    this.options.log.warn('folder of the manifest cannot be watched; its file is looked at every second', { path: this.options.path, error });
    this.#watcher?.close();
    this.#watcher = null;
  }

  /** However many events come while it looks, it looks once more. */
  async #look(): Promise<void> {
    this.#isToLookAgain = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#isToLookAgain) {
      this.#isToLookAgain = false;
      await this.#lookOnce();
    }
    this.#isLooking = false;
  }

  async #lookOnce(): Promise<void> {
    const identity = await fileIdentity(this.options.path);
    if (this.#stopped.signal.aborted) return;
    this.#tellMissing(identity === null);
    const known = this.#stirring === undefined ? this.#seen : this.#stirring;
    if (identity === known) return;
    this.#isStirred = true;
    const isFirst = this.#stirring === undefined;
    this.#stirring = identity;
    if (isFirst) void this.#settle();
  }

  async #settle(): Promise<void> {
    const { clock, path, onChange } = this.options;
    const untilMs = clock.monotonicMs() + LONGEST_STIR_MS;
    while (this.#isStirred && clock.monotonicMs() < untilMs) {
      this.#isStirred = false;
      await clock.sleep(DEBOUNCE_MS, this.#stopped.signal).catch(() => undefined);
      if (this.#stopped.signal.aborted) return;
    }
    const identity = await fileIdentity(path);
    this.#isStirred = false;
    this.#stirring = undefined;
    if (identity === null || identity === this.#seen || this.#stopped.signal.aborted) return;
    this.#seen = identity;
    onChange();
  }

  #tellMissing(isMissing: boolean): void {
    if (isMissing && !this.#isMissing) this.options.log.warn('manifest is away; what was read of it serves until it is back', { path: this.options.path });
    this.#isMissing = isMissing;
  }
}
