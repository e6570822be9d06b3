import type { Sampling } from '@corral/contracts';
import type { EvaluationPriority, Token } from 'node-llama-cpp';
import type { Prompt, TextRun } from '../worker/text-model.js';
import type { BatchGate } from './batch-gate.js';
import type { LlamaSlot } from './llama-slots.js';
import type { RunCounters } from './run-counters.js';
import { samplerOptions } from './sampler-options.js';

export interface LlamaRunParts {
  /** Also the id of its sequence. */
  readonly index: number;
  readonly slot: LlamaSlot;
  /** Its scope is a hash. */
  readonly prompt: Prompt;
  readonly sampling: Sampling;
  readonly gate: BatchGate;
  readonly counters: RunCounters;
  readonly prefillChunkTokens: number;
  /** Text that each sampled token completes. */
  read(token: number): string;
}

/** One generation in one sequence of the shared context. */
export class LlamaRun implements TextRun {
  readonly #prompt: readonly Token[];
  readonly #sampled: Token[] = [];
  readonly #priority: EvaluationPriority;
  #tokens: AsyncGenerator<{ readonly token: Token }> | null = null;
  /** Length of the last chunk while it is still to be read. */
  #lastChunkTokens = 0;
  #cachedTokens = 0;
  #takesPart = false;
  #isStopped = (): boolean => false;

  constructor(private readonly parts: LlamaRunParts) {
    this.#prompt = parts.prompt.tokens as readonly Token[];
    // The batch is laid out by this number; the engine passes it through unread, whatever its type says.
    this.#priority = parts.index as EvaluationPriority;
  }

  get cachedTokens(): number {
    return this.#cachedTokens;
  }

  async prefill(isStopped: () => boolean): Promise<void> {
    const { gate, counters, prefillChunkTokens, sampling } = this.parts;
    const { sequence } = this.parts.slot;
    this.#isStopped = isStopped;
    await this.#trim();
    this.#join();
    let at = this.#cachedTokens;
    for (; this.#prompt.length - at > prefillChunkTokens && !isStopped(); at += prefillChunkTokens) {
      if (gate.closed !== null) await this.#untilOpen();
      await sequence.evaluateWithoutGeneratingNewTokens(this.#prompt.slice(at, at + prefillChunkTokens), { evaluationPriority: this.#priority });
      counters.chunk(prefillChunkTokens, isStopped());
      this.#keep(at + prefillChunkTokens);
    }
    const lastChunk = this.#prompt.slice(at);
    this.#lastChunkTokens = lastChunk.length;
    this.#tokens = sequence.evaluateWithMetadata(lastChunk, {}, { ...samplerOptions(sampling, this.#sampled), evaluationPriority: this.#priority });
  }

  async next(): Promise<string | null> {
    if (this.#tokens === null) throw new Error('next() before prefill()');
    if (this.parts.gate.closed !== null) await this.#untilOpen();
    const { value, done } = await this.#tokens.next();
    this.#noteSampled();
    if (done === true) return null;
    this.#sampled.push(value.token);
    return this.parts.read(value.token);
  }

  async rest<T>(wait: Promise<T>): Promise<T> {
    this.#leave();
    try {
      return await wait;
    } finally {
      this.#join();
    }
  }

  async close(): Promise<void> {
    const { memory, sequence } = this.parts.slot;
    this.#leave();
    await this.#tokens?.return(undefined);
    memory.grownTo(sequence.nextTokenIndex);
  }

  /** Leaves of the slot's state what the prompt begins with. Where the engine cannot cut it off there, all is evaluated anew. */
  async #trim(): Promise<void> {
    const { slot, gate, prompt, counters } = this.parts;
    const { sequence, memory } = slot;
    await this.#readKept();
    const { reusableTokens } = memory.prefixOf(prompt);
    if (sequence.nextTokenIndex !== reusableTokens) {
      await gate.exclusively(async () => {
        // A state without its beginning was written over in part: its cells lie elsewhere than in a new one.
        if (sequence.stateCellsStartIndex <= 0) await sequence.adaptStateToTokens(this.#prompt.slice(0, reusableTokens), false);
        if (sequence.nextTokenIndex !== reusableTokens) await sequence.clearHistory();
      });
    }
    this.#cachedTokens = sequence.nextTokenIndex;
    this.#keep(this.#cachedTokens);
    counters.prefix(this.#cachedTokens);
  }

  /** Reads what lies in a file for this slot, where the prompt begins with more of that than of what the slot holds. */
  async #readKept(): Promise<void> {
    const { slot, gate, prompt } = this.parts;
    const { sequence, memory, kept } = slot;
    if (kept === null || kept.reusableTokens(prompt) <= memory.prefixOf(prompt).reusableTokens) return;
    const restored = await kept.restore(sequence, gate);
    if (restored === 'restored') memory.keep(kept.prompt, sequence.nextTokenIndex);
    if (restored === 'lost') memory.keep(prompt, 0);
  }

  #keep(tokens: number): void {
    this.parts.slot.memory.keep(this.parts.prompt, tokens);
  }

  #noteSampled(): void {
    const { counters } = this.parts;
    if (this.#lastChunkTokens === 0) return counters.sampled(this.#isStopped());
    counters.chunk(this.#lastChunkTokens, this.#isStopped());
    this.#lastChunkTokens = 0;
    this.#keep(this.#prompt.length);
  }

  async #untilOpen(): Promise<void> {
    while (this.parts.gate.closed !== null) await this.rest(this.parts.gate.closed);
  }

  #join(): void {
    if (this.#takesPart) return;
    this.#takesPart = true;
    this.parts.gate.join();
  }

  #leave(): void {
    if (!this.#takesPart) return;
    this.#takesPart = false;
    this.parts.gate.leave();
  }
}
