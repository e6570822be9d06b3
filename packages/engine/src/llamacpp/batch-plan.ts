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

/**
 * Chooses what goes into one batch of at most `sizeTokens`.
 *
 * Every decode gets its place first, so that no prompt can starve it. Prompts share the rest in the order
 * in which they queued, at most `prefillCapTokens` of it while anything decodes. The batch is laid out in
 * ascending sequence id, because the engine runs one graph for ids that follow each other. [C-124 C-125]
 */
export function planBatch<Item extends QueuedTokens>(items: readonly Item[], sizeTokens: number, prefillCapTokens: number): BatchShare<Item>[] {
  const decodes = items.reduce((count, { tokens }) => (tokens.length === 1 ? count + 1 : count), 0);
  let left = decodes === 0 ? sizeTokens : Math.min(sizeTokens - decodes, prefillCapTokens);
  const shares: BatchShare<Item>[] = [];
  for (const item of items) {
    const isDecode = item.tokens.length === 1;
    const processAmount = isDecode ? 1 : Math.min(item.tokens.length, left);
    if (processAmount <= 0) continue;
    if (!isDecode) left -= processAmount;
    shares.push({ item, processAmount });
  }
  return shares.sort((a, b) => a.item.evaluationPriority - b.item.evaluationPriority);
}
