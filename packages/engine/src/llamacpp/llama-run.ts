import type { Sampling } from '@corral/contracts';
import type { EvaluationPriority, LlamaContextSequence, Token } from 'node-llama-cpp';
import type { TextRun } from '../worker/text-model.js';
import type { BatchGate } from './batch-gate.js';
import { samplerOptions } from './sampler-options.js';

export interface LlamaRunParts {
  readonly sequence: LlamaContextSequence;
  readonly slot: number;
  readonly tokens: readonly Token[];
  readonly sampling: Sampling;
  readonly gate: BatchGate;
  readonly prefillChunkTokens: number;
  /** Text that each sampled token completes. */
  read(token: number): string;
}

/** One generation in one sequence of the shared context. */
export class LlamaRun implements TextRun {
  readonly #sampled: Token[] = [];
  readonly #priority: EvaluationPriority;
  #tokens: AsyncGenerator<{ readonly token: Token }> | null = null;
  #takesPart = false;

  constructor(private readonly parts: LlamaRunParts) {
    // The batch is laid out by this number; the engine passes it through unread, whatever its type says.
    this.#priority = parts.slot as EvaluationPriority;
  }

  async prefill(isStopped: () => boolean): Promise<void> {
    const { sequence, tokens, gate, prefillChunkTokens, sampling } = this.parts;
    if (sequence.nextTokenIndex > 0) await gate.exclusively(() => sequence.clearHistory());
    this.#join();
    const prompt = tokens.slice(0, -1);
    for (let from = 0; from < prompt.length && !isStopped(); from += prefillChunkTokens) {
      const chunk = prompt.slice(from, from + prefillChunkTokens);
      if (gate.closed !== null) await this.#untilOpen();
      await sequence.evaluateWithoutGeneratingNewTokens(chunk, { evaluationPriority: this.#priority });
      gate.notePrefillChunk(chunk.length);
    }
    const options = samplerOptions(sampling, this.#sampled);
    this.#tokens = sequence.evaluateWithMetadata(tokens.slice(-1), {}, { ...options, evaluationPriority: this.#priority });
  }

  async next(): Promise<string | null> {
    if (this.#tokens === null) throw new Error('next() before prefill()');
    if (this.parts.gate.closed !== null) await this.#untilOpen();
    const { value, done } = await this.#tokens.next();
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
    this.#leave();
    await this.#tokens?.return(undefined);
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
