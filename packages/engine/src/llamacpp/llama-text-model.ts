import { ApiError, type GenerateInput, type Sampling } from '@corral/contracts';
import type { LlamaContext, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import type { ReplicaInfo } from '../port.js';
import type { DecodeStats, Prompt, SlotPrefix, TextModel, TextRun } from '../worker/text-model.js';
import type { BatchGate } from './batch-gate.js';
import { compileChatTemplate, type ChatTemplate, type ChatTokenizer } from './chat-template.js';
import { LlamaRun } from './llama-run.js';
import { RunCounters } from './run-counters.js';
import { SlotMemory } from './slot-memory.js';
import { TokenPieces } from './token-pieces.js';
import { vocabularyOf } from './vocabulary-of.js';

export interface LlamaTextModelParts {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly gate: BatchGate;
  readonly info: ReplicaInfo;
  readonly fingerprint: string;
  readonly prefillChunkTokens: number;
}

/** A batch that takes longer hangs: the slowest model on a CPU needs less for one chunk of a prompt. */
const STALLED_MAX_MS = 600_000;

/** A model that node-llama-cpp holds. Slot n is sequence n: all are taken once, in order, and never given back. They keep no checkpoints, which would be laid out differently when restored. */
export class LlamaTextModel implements TextModel {
  readonly info: ReplicaInfo;
  readonly fingerprint: string;
  readonly #sequences: readonly LlamaContextSequence[];
  readonly #memories: readonly SlotMemory[];
  readonly #counters = new RunCounters();
  readonly #pieces: TokenPieces;
  readonly #template: ChatTemplate | null;
  readonly #tokenizer: ChatTokenizer;

  constructor(private readonly parts: LlamaTextModelParts) {
    const { model, context, info, fingerprint } = parts;
    this.info = info;
    this.fingerprint = fingerprint;
    this.#sequences = Array.from({ length: info.slots }, () => context.getSequence({ checkpoints: { interval: false } }));
    this.#memories = this.#sequences.map(() => new SlotMemory(parts.prefillChunkTokens, windowTokens(model, context)));
    const vocabulary = vocabularyOf(model);
    this.#pieces = new TokenPieces(vocabulary);
    const source = model.fileInfo.metadata.tokenizer?.chat_template;
    this.#template = source === undefined ? null : compileChatTemplate(source);
    this.#tokenizer = {
      bosText: model.tokens.bosString,
      eosText: model.tokens.eosString,
      controlTextsIn: (text) => [...new Set(model.tokenize(text, true))].filter((token) => vocabulary.attributes(token).hidden).map((token) => vocabulary.tokenText(token)),
    };
  }

  encode(input: GenerateInput): readonly number[] {
    const segments = input.type === 'prompt' ? [input.prompt] : this.#render(input.messages);
    const tokens = segments.flatMap((text, n) => this.parts.model.tokenize(text, true, n === 0 ? undefined : 'trimLeadingSpace'));
    const { bos, shouldPrependBosToken } = this.parts.model.tokens;
    if (bos !== null && shouldPrependBosToken && tokens[0] !== bos) tokens.unshift(bos);
    if (tokens.length === 0) throw new ApiError('INVALID_PARAMS', 'the prompt has no tokens; send some text', { field: 'input' });
    return tokens;
  }

  prefixes(prompt: Prompt): readonly SlotPrefix[] {
    return this.#memories.map((memory) => memory.prefixOf(prompt));
  }

  open(slot: number, prompt: Prompt, sampling: Sampling): TextRun {
    const [sequence, memory] = [this.#sequences[slot], this.#memories[slot]];
    if (sequence === undefined || memory === undefined) throw new Error(`there is no slot ${slot}`);
    const { gate, prefillChunkTokens } = this.parts;
    return new LlamaRun({ sequence, slot, prompt, sampling, gate, memory, counters: this.#counters, prefillChunkTokens, read: this.#pieces.reader() });
  }

  stats(): DecodeStats {
    return { ...this.parts.gate.stats(), ...this.#counters.stats() };
  }

  unhealthy(): string | null {
    const stalledMs = this.parts.gate.stalledMs();
    return stalledMs > STALLED_MAX_MS ? `it has not finished a batch for ${Math.round(stalledMs / 1_000)} s` : null;
  }

  #render(messages: Extract<GenerateInput, { type: 'messages' }>['messages']): readonly string[] {
    if (this.#template === null) {
      throw new ApiError('INVALID_PARAMS', 'this model has no chat template, so it takes no messages', { field: 'input.messages', hint: 'send `prompt` with raw text instead (on /v1: POST /v1/completions)' });
    }
    return this.#template(messages, this.#tokenizer);
  }
}

/**
 * Tokens that a sequence may hold before the engine writes over the oldest of its state: none where the
 * state is one of all tokens together (recurrent layers), and where attention slides over a window, what
 * its cache has cells for at least. [C-161]
 */
function windowTokens(model: LlamaModel, context: LlamaContext): number {
  const { isRecurrent, isHybrid, swaSize } = model.fileInsights;
  if (isRecurrent || isHybrid) return 0;
  return swaSize === undefined || swaSize <= 0 ? Number.POSITIVE_INFINITY : swaSize + context.batchSize;
}
