import type { Prompt, SlotPrefix } from '../worker/text-model.js';

const NO_PROMPT: Prompt = { tokens: [], scope: '' };

/** Less is evaluated anew: it costs less than a slot out of the row. */
const REUSE_MIN_TOKENS = 32;

/**
 * What one slot's part of the context holds of its last prompt, in whole chunks.
 *
 * Only what was evaluated as a whole chunk, from a multiple of the chunk's size on, counts: those are the
 * graphs that a new evaluation of the same tokens would run, so the numbers are the same to the last
 * bit. The rest of the prompt and the answer came from graphs of other shapes. [C-161]
 */
export class SlotMemory {
  #prompt = NO_PROMPT;
  #heldTokens = 0;

  /** A slot that ever held more than `windowTokens` may have lost some of them, so it counts as empty. */
  constructor(
    private readonly chunkTokens: number,
    private readonly windowTokens: number,
  ) {}

  /** The first `tokens` of the prompt are in the context, and nothing else. */
  keep(prompt: Prompt, tokens: number): void {
    this.#prompt = prompt;
    this.#heldTokens = Math.floor(tokens / this.chunkTokens) * this.chunkTokens;
    this.grownTo(tokens);
  }

  /** The context holds this many tokens in all, the answer included. */
  grownTo(tokens: number): void {
    if (tokens <= this.windowTokens) return;
    this.#prompt = NO_PROMPT;
    this.#heldTokens = 0;
  }

  /** What later prompts may begin with; `undefined` = nothing. */
  get held(): Prompt | undefined {
    return this.#heldTokens === 0 ? undefined : { tokens: this.#prompt.tokens.slice(0, this.#heldTokens), scope: this.#prompt.scope };
  }

  /** The last token of a prompt is always evaluated. */
  prefixOf({ tokens, scope }: Prompt): SlotPrefix {
    const heldTokens = this.#heldTokens;
    const common = scope === this.#prompt.scope ? this.#commonTokens(tokens) : 0;
    const reusableTokens = Math.floor(Math.min(common, tokens.length - 1) / this.chunkTokens) * this.chunkTokens;
    return { reusableTokens: reusableTokens >= REUSE_MIN_TOKENS ? reusableTokens : 0, heldTokens };
  }

  #commonTokens(tokens: readonly number[]): number {
    const held = this.#prompt.tokens;
    const end = Math.min(this.#heldTokens, tokens.length);
    let common = 0;
    while (common < end && held[common] === tokens[common]) common += 1;
    return common;
  }
}
