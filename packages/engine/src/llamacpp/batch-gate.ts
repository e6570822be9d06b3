import type { Clock } from '@corral/service-kit';
import type { BatchStats } from '../worker/text-model.js';
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
  #decodeMicroBatches = 0;
  #decodedTokens = 0;
  /** Tokens of prompts that may be read before the next decode. */
  #promptTokens: number;
  readonly #sequencesPerStep: number[];

  constructor(
    slots: number,
    private readonly prefillCapTokens: number,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {
    this.#promptTokens = prefillCapTokens;
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
    const shares = planBatch(items, { sizeTokens: size, promptTokens: this.#promptTokens });
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

  stats(): BatchStats {
    return {
      decode_steps: this.#decodeSteps,
      sequences_per_step: [...this.#sequencesPerStep],
      decode_micro_batches: this.#decodeMicroBatches,
      decoded_tokens: this.#decodedTokens,
    };
  }

  #count(shares: readonly BatchShare<QueuedTokens>[], size: number): void {
    const [first] = shares;
    if (first === undefined) return;
    if (first.item.tokens.length > 1) {
      this.#promptTokens -= first.processAmount;
      return;
    }
    this.#promptTokens = this.prefillCapTokens;
    this.#decodeSteps += 1;
    this.#decodedTokens += shares.length;
    this.#sequencesPerStep[shares.length] = (this.#sequencesPerStep[shares.length] ?? 0) + 1;
    this.#decodeMicroBatches += countMicroBatches(shares.map(({ item }) => ({ sequence: item.evaluationPriority, tokens: 1 })), size);
  }
}
