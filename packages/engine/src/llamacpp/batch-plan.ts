/** One sequence's queued tokens. One token is a decode; more are a part of a prompt. */
export interface QueuedTokens {
  readonly tokens: readonly unknown[];
  /** Carries the sequence's id: the queue has no other field for it. */
  readonly evaluationPriority: number;
}

export interface BatchShare<Item> {
  readonly item: Item;
  readonly processAmount: number;
}

export interface BatchLimits {
  /** Tokens that one batch takes. */
  readonly sizeTokens: number;
  /** Tokens of prompts that may still be read before the next decode. */
  readonly promptTokens: number;
}

/**
 * Chooses what goes into one batch: a part of one prompt alone, or every decode.
 *
 * A prompt shares its graph with nobody, so that what it leaves in the context does not depend on who
 * else was there. The prompt that queued first is read while it fits the limit or nobody decodes. Decodes
 * are laid out in ascending sequence id, because the engine runs one graph for ids that follow each
 * other. [C-124 C-125 C-162]
 */
export function planBatch<Item extends QueuedTokens>(items: readonly Item[], { sizeTokens, promptTokens }: BatchLimits): BatchShare<Item>[] {
  const decodes = items.filter(({ tokens }) => tokens.length === 1);
  const prompt = items.find(({ tokens }) => tokens.length > 1);
  if (prompt !== undefined) {
    const processAmount = Math.min(prompt.tokens.length, sizeTokens);
    if (decodes.length === 0 || processAmount <= promptTokens) return [{ item: prompt, processAmount }];
  }
  return decodes.map((item) => ({ item, processAmount: 1 })).sort((a, b) => a.item.evaluationPriority - b.item.evaluationPriority);
}
