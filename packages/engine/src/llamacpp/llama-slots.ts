import type { LlamaContext, LlamaContextSequence, LlamaModel } from 'node-llama-cpp';
import type { Prompt, SlotPrefix } from '../worker/text-model.js';
import type { KeptPrefix } from './kept-prefix.js';
import { SlotMemory } from './slot-memory.js';

/** One sequence of a context, what it holds, and what lies in a file for it. */
export class LlamaSlot {
  constructor(
    readonly sequence: LlamaContextSequence,
    readonly memory: SlotMemory,
    /** `null` = nothing was kept. */
    readonly kept: KeptPrefix | null,
  ) {}

  /** What lies in a file counts like what is held: reading it back takes a moment. */
  prefixOf(prompt: Prompt): SlotPrefix {
    const live = this.memory.prefixOf(prompt);
    return { ...live, reusableTokens: Math.max(live.reusableTokens, this.kept?.reusableTokens(prompt) ?? 0) };
  }

  withKept(kept: KeptPrefix | null): LlamaSlot {
    return new LlamaSlot(this.sequence, this.memory, kept);
  }
}

export interface LlamaSlotsParts {
  readonly model: LlamaModel;
  readonly context: LlamaContext;
  readonly count: number;
  readonly chunkTokens: number;
  readonly kept: ReadonlyMap<number, KeptPrefix>;
}

/** The slots of one context. Slot n is sequence n: all are taken once, in order, and never given back. They keep no checkpoints, which would be laid out differently when restored. */
export function llamaSlots({ model, context, count, chunkTokens, kept }: LlamaSlotsParts): LlamaSlot[] {
  const window = windowTokens(model, context);
  return Array.from({ length: count }, (_, slot) => new LlamaSlot(context.getSequence({ checkpoints: { interval: false } }), new SlotMemory(chunkTokens, window), kept.get(slot) ?? null));
}

/**
 * Tokens that a sequence may hold before the engine writes over the oldest of its state: none where the
 * state is one of all tokens together (recurrent layers), and where attention slides over a window, what
 * its cache has cells for at least. [C-161]
 */
function windowTokens(model: LlamaModel, context: LlamaContext): number {
  const swaTokens = slidingTokens(model);
  return swaTokens === 0 || swaTokens === Number.POSITIVE_INFINITY ? swaTokens : swaTokens + context.batchSize;
}

/** Tokens of which every layer keeps the state of all; 0 for recurrent layers, without limit where nothing slides. */
export function slidingTokens({ fileInsights: { isRecurrent, isHybrid, swaSize } }: Pick<LlamaModel, 'fileInsights'>): number {
  if (isRecurrent || isHybrid) return 0;
  return swaSize === undefined || swaSize <= 0 ? Number.POSITIVE_INFINITY : swaSize;
}
