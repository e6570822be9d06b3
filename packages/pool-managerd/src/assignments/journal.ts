import { mkdir, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Assignment } from '@corral/contracts';
import { SerialQueue, writeFileAtomic } from '@corral/service-kit';
import type { Log } from '@corral/service-kit';
import type { PoolChoice } from '../devices/planned-pool.js';
import { acceptAssignment } from './accept-assignment.js';
import { decodeJournal, encodeJournal } from './journal-document.js';
import { EMPTY_JOURNAL } from './journal-state.js';
import type { JournalState } from './journal-state.js';
import { replaceAssignments } from './replace-assignments.js';
import type { Replacement } from './replace-assignments.js';

export type TakeOutcome = { readonly kind: 'accepted' | 'stale' } | { readonly kind: 'ignored'; readonly reason: string };

export interface JournalOptions {
  readonly path: string;
  readonly nodeId: string;
  readonly log: Log;
}

const CHANGES_MAX = 1_000;

/**
 * What is wanted of this node, on disk before anybody is told that it was taken. One writer, one change at a time;
 * a change that cannot be written has not happened. [E-08]
 */
export class Journal {
  readonly #queue = new SerialQueue(CHANGES_MAX);
  #onChange: () => void = () => {};

  private constructor(
    private readonly options: JournalOptions,
    private current: JournalState,
  ) {}

  /** Reads the file. One that cannot be read is set aside: the control plane sends everything again on registration. */
  static async open(options: JournalOptions): Promise<Journal> {
    const { path, nodeId, log } = options;
    await mkdir(dirname(path), { recursive: true });
    const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (text === null) return new Journal(options, EMPTY_JOURNAL);
    const decoded = decodeJournal(parsed(text), nodeId);
    if (decoded.kind === 'journal') return new Journal(options, decoded.state);
    const aside = `${path}.unreadable`;
    await rename(path, aside);
    log.warn('journal set aside', { path: aside, reason: decoded.reason });
    return new Journal(options, EMPTY_JOURNAL);
  }

  get state(): JournalState {
    return this.current;
  }

  /** Called after each change that is on disk. One listener. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  /** Takes events, all with one write. Outcomes are in the order of the assignments. Rejects when they could not be kept. */
  take(assignments: readonly Assignment[]): Promise<readonly TakeOutcome[]> {
    return this.#change((state) => {
      let next = state;
      const outcomes = assignments.map((assignment): TakeOutcome => {
        const acceptance = acceptAssignment(next, assignment, this.options.nodeId);
        if (acceptance.kind === 'accepted') next = acceptance.next;
        return acceptance.kind === 'ignored' ? acceptance : { kind: acceptance.kind };
      });
      return { next, result: outcomes };
    });
  }

  /** Takes over a full set that was made when this journal was at `knownSeq`. */
  replace(set: readonly Assignment[], knownSeq: number): Promise<Omit<Replacement, 'next'>> {
    return this.#change((state) => {
      const { next, ...result } = replaceAssignments(state, set, { nodeId: this.options.nodeId, knownSeq });
      return { next, result };
    });
  }

  /** Keeps the pools that the manifest defines for this node. */
  setChoices(choices: readonly PoolChoice[] | null): Promise<void> {
    return this.#change((state) => {
      const isSame = JSON.stringify(choices) === JSON.stringify(state.choices);
      return { next: isSame ? state : { ...state, choices, seq: state.seq + 1 }, result: undefined };
    });
  }

  /** Resolves when everything that was taken is on disk. */
  async close(): Promise<void> {
    await this.#queue.idle();
  }

  #change<T>(apply: (state: JournalState) => { readonly next: JournalState; readonly result: T }): Promise<T> {
    return this.#queue.run(async () => {
      const { next, result } = apply(this.current);
      if (next === this.current) return result;
      await writeFileAtomic(this.options.path, encodeJournal(next, this.options.nodeId));
      this.current = next;
      this.#onChange();
      return result;
    });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
