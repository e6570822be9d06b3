import type { RunStats } from '../worker/text-model.js';

/** Counts what the runs of one model do. */
export class RunCounters {
  #chunks = 0;
  #tokens = 0;
  #prefixHits = 0;
  #cachedTokens = 0;
  #chunksAfterStop = 0;
  #tokensAfterStop = 0;

  prefix(cachedTokens: number): void {
    if (cachedTokens > 0) this.#prefixHits += 1;
    this.#cachedTokens += cachedTokens;
  }

  chunk(tokens: number, isStopped: boolean): void {
    this.#chunks += 1;
    this.#tokens += tokens;
    if (isStopped) this.#chunksAfterStop += 1;
  }

  sampled(isStopped: boolean): void {
    if (isStopped) this.#tokensAfterStop += 1;
  }

  stats(): RunStats {
    return {
      prefill_chunks: this.#chunks,
      prefill_tokens: this.#tokens,
      prefix_hits: this.#prefixHits,
      cached_tokens: this.#cachedTokens,
      chunks_after_stop: this.#chunksAfterStop,
      tokens_after_stop: this.#tokensAfterStop,
    };
  }
}
