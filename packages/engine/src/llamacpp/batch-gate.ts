import type { Clock } from '@corral/service-kit';
import type { DecodeStats } from '../worker/text-model.js';
import { planBatch, type BatchShare, type QueuedTokens } from './batch-plan.js';
import { countMicroBatches } from './micro-batches.js';

/** Turns of the microtask queue that a batch waits for sequences that are about to queue; three are enough in practice. */
const GATHER_TURNS_MAX = 64;

/**
 * Decides when a batch is complete and what goes into it, and counts what it did.
 *
 * Sequences say when they take part. A batch waits a few microtask turns until all of those have queued:
 * without that one of them would miss every batch. [C-124]
 */
export class BatchGate {
  #active = 0;
  #turns = 0;
  #lastTurnMs = 0;
  #exclusive: Promise<void> | null = null;
  #decodeSteps = 0;
  #decodeOnlySteps = 0;
  #decodeOnlyMicroBatches = 0;
  #decodedTokens = 0;
  #prefillChunks = 0;
  #prefillTokens = 0;
  readonly #sequencesPerStep: number[];

  constructor(
    slots: number,
    private readonly prefillCapTokens: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#sequencesPerStep = Array.from({ length: slots + 1 }, () => 0);
  }

  /** The engine's `itemPrioritizationStrategy`; `[]` makes it ask again after a turn. */
  readonly strategy = <Item extends QueuedTokens>({ items, size }: { readonly items: readonly Item[]; readonly size: number }): BatchShare<Item>[] => {
    if (items.length < this.#active && this.#turns < GATHER_TURNS_MAX) {
      this.#turns += 1;
      return [];
    }
    this.#turns = 0;
    this.#lastTurnMs = this.clock.monotonicMs();
    const shares = planBatch(items, size, this.prefillCapTokens);
    this.#count(shares, size);
    return shares;
  };

  join(): void {
    if (this.#active === 0) this.#lastTurnMs = this.clock.monotonicMs();
    this.#active += 1;
  }

  /** How long ago the engine last asked for a batch, while somebody waits for one. */
  stalledMs(): number {
    return this.#active === 0 ? 0 : this.clock.monotonicMs() - this.#lastTurnMs;
  }

  leave(): void {
    this.#active -= 1;
  }

  /** What a sequence waits for before it queues again; `null` almost always. */
  get closed(): Promise<void> | null {
    return this.#exclusive;
  }

  /**
   * Runs a task that needs the context for itself, between two batches.
   *
   * The engine keeps its context locked for as long as anything is queued, so the sequences hold back
   * until the task is through.
   */
  async exclusively(task: () => Promise<void>): Promise<void> {
    while (this.#exclusive !== null) await this.#exclusive;
    let open = (): void => {};
    this.#exclusive = new Promise((resolve) => (open = resolve));
    try {
      await task();
    } finally {
      this.#exclusive = null;
      open();
    }
  }

  notePrefillChunk(tokens: number): void {
    this.#prefillChunks += 1;
    this.#prefillTokens += tokens;
  }

  stats(): DecodeStats {
    return {
      decode_steps: this.#decodeSteps,
      sequences_per_step: [...this.#sequencesPerStep],
      decode_only_steps: this.#decodeOnlySteps,
      decode_only_micro_batches: this.#decodeOnlyMicroBatches,
      decoded_tokens: this.#decodedTokens,
      prefill_chunks: this.#prefillChunks,
      prefill_tokens: this.#prefillTokens,
    };
  }

  #count(shares: readonly BatchShare<QueuedTokens>[], size: number): void {
    const decodes = shares.reduce((count, { item }) => (item.tokens.length === 1 ? count + 1 : count), 0);
    if (decodes === 0) return;
    this.#decodeSteps += 1;
    this.#decodedTokens += decodes;
    this.#sequencesPerStep[decodes] = (this.#sequencesPerStep[decodes] ?? 0) + 1;
    if (decodes < shares.length) return;
    this.#decodeOnlySteps += 1;
    const layout = shares.map(({ item }) => ({ sequence: item.evaluationPriority, tokens: 1 }));
    this.#decodeOnlyMicroBatches += countMicroBatches(layout, size);
  }
}
