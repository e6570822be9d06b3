import { ApiError, type GenerateInput, type Sampling } from '@corral/contracts';
import type { LlamaContext, LlamaModel } from 'node-llama-cpp';
import type { ReplicaInfo, SavedPrefixes } from '../port.js';
import type { DecodeStats, Prompt, SaveRequest, SlotPrefix, TextModel, TextRun } from '../worker/text-model.js';
import type { BatchGate } from './batch-gate.js';
import { compileChatTemplate, type ChatTemplate, type ChatTokenizer } from './chat-template.js';
import { keptPrefixes } from './kept-prefix.js';
import { LlamaRun } from './llama-run.js';
import { llamaSlots, slidingTokens, type LlamaSlot } from './llama-slots.js';
import type { PrefixFolder } from './prefix-folder.js';
import { scopeHash } from './prefix-header.js';
import { RunCounters } from './run-counters.js';
import { savePrefixes, stateBytesPerToken } from './save-prefixes.js';
import { TokenPieces } from './token-pieces.js';
import { vocabularyOf } from './vocabulary-of.js';

/** A context of the model, and what it measured of itself. */
export interface MadeContext {
  readonly context: LlamaContext;
  readonly info: ReplicaInfo;
}

export interface LlamaTextModelParts {
  readonly model: LlamaModel;
  readonly made: MadeContext;
  /** Makes the context again after it was dropped. Rejects with an EngineError, and nothing of the context is left then. */
  readonly makeAgain: () => Promise<MadeContext>;
  readonly gate: BatchGate;
  readonly fingerprint: string;
  readonly prefillChunkTokens: number;
  /** Weights that are mapped from the file. */
  readonly mappedBytes: number;
  /** Where prefixes are kept; `null` = nowhere. */
  readonly folderFor: (context: LlamaContext) => PrefixFolder | null;
}

/** A batch that takes longer hangs: the slowest model on a CPU needs less for one chunk of a prompt. */
const STALLED_MAX_MS = 600_000;
const NOTHING_SAVED: SavedPrefixes = { prefixes: 0, tokens: 0, sizeBytes: 0 };

/** The context, its slots and where they are kept: gone while the model is parked. */
interface Serving extends MadeContext {
  readonly folder: PrefixFolder | null;
  slots: readonly LlamaSlot[];
}

/** A model that node-llama-cpp holds. */
export class LlamaTextModel implements TextModel {
  readonly fingerprint: string;
  #info: ReplicaInfo;
  #serving: Serving | null;
  readonly #counters = new RunCounters();
  readonly #pieces: TokenPieces;
  readonly #template: ChatTemplate | null;
  readonly #tokenizer: ChatTokenizer;

  constructor(private readonly parts: LlamaTextModelParts) {
    const { model, made, fingerprint } = parts;
    this.#info = made.info;
    this.fingerprint = fingerprint;
    this.#serving = this.#serve(made);
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

  get info(): ReplicaInfo {
    return this.#info;
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
    const hashed = withHash(prompt);
    return this.#serving?.slots.map((slot) => slot.prefixOf(hashed)) ?? [];
  }

  open(index: number, prompt: Prompt, sampling: Sampling): TextRun {
    const slot = this.#serving?.slots[index];
    if (slot === undefined) throw new Error(`there is no slot ${index}`);
    const { gate, prefillChunkTokens } = this.parts;
    return new LlamaRun({ slot, index, prompt: withHash(prompt), sampling, gate, counters: this.#counters, prefillChunkTokens, read: this.#pieces.reader() });
  }

  async park(): Promise<number> {
    const serving = this.#serving;
    this.#serving = null;
    await serving?.context.dispose();
    return this.parts.mappedBytes;
  }

  async resume(): Promise<ReplicaInfo> {
    const made = await this.parts.makeAgain();
    this.#info = made.info;
    this.#serving = this.#serve(made);
    return made.info;
  }

  async savePrefixes(request: SaveRequest): Promise<SavedPrefixes> {
    const serving = this.#serving;
    if (serving?.folder == null) return NOTHING_SAVED;
    const { contextTokens, slots, memory } = serving.info;
    const { model, gate } = this.parts;
    const bytesPerToken = stateBytesPerToken(model) ?? memory.contextBytes / (contextTokens * slots);
    const { slots: next, saved } = await savePrefixes({ folder: serving.folder, gate, slots: serving.slots, bytesPerToken, tokensMax: slidingTokens(model) }, request);
    serving.slots = next;
    return saved;
  }

  stats(): DecodeStats {
    return { ...this.parts.gate.stats(), ...this.#counters.stats() };
  }

  unhealthy(): string | null {
    const stalledMs = this.parts.gate.stalledMs();
    return stalledMs > STALLED_MAX_MS ? `it has not finished a batch for ${Math.round(stalledMs / 1_000)} s` : null;
  }

  #serve(made: MadeContext): Serving {
    const { model, prefillChunkTokens: chunkTokens } = this.parts;
    const folder = this.parts.folderFor(made.context);
    return { ...made, folder, slots: llamaSlots({ model, context: made.context, count: made.info.slots, chunkTokens, kept: keptPrefixes(folder) }) };
  }

  #render(messages: Extract<GenerateInput, { type: 'messages' }>['messages']): readonly string[] {
    if (this.#template === null) {
      throw new ApiError('INVALID_PARAMS', 'this model has no chat template, so it takes no messages', { field: 'input.messages', hint: 'send `prompt` with raw text instead (on /v1: POST /v1/completions)' });
    }
    return this.#template(messages, this.#tokenizer);
  }
}

/** What is held and kept knows a scope by its hash alone. [C-245] */
function withHash({ tokens, scope }: Prompt): Prompt {
  return { tokens, scope: scopeHash(scope) };
}
