export interface SequenceTokens {
  readonly sequence: number;
  readonly tokens: number;
}

/**
 * How many graphs llama.cpp runs for a batch laid out like this.
 *
 * It is the rule of its `split_equal` for a cache with one stream per sequence: a graph takes sequences
 * whose ids follow each other in the order of the batch, the same number of tokens from each.
 */
export function countMicroBatches(batch: readonly SequenceTokens[], graphTokensMax: number): number {
  let left = batch.filter(({ tokens }) => tokens > 0);
  let graphs = 0;
  while (left.length > 0) {
    const taken = new Set<number>();
    let last: number | null = null;
    for (const { sequence } of left) {
      if (last !== null && sequence !== last + 1) continue;
      taken.add(sequence);
      last = sequence;
      if (taken.size > graphTokensMax) break;
    }
    const shortest = Math.min(...left.filter(({ sequence }) => taken.has(sequence)).map(({ tokens }) => tokens));
    const each = Math.max(1, Math.min(shortest, Math.floor(graphTokensMax / taken.size)));
    left = left
      .map(({ sequence, tokens }) => ({ sequence, tokens: taken.has(sequence) ? tokens - each : tokens }))
      .filter(({ tokens }) => tokens > 0);
    graphs += 1;
  }
  return graphs;
}
