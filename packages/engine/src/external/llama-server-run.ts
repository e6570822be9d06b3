import type { Sampling } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { Prompt, TextRun } from '../worker/text-model.js';
import type { CompletionPiece, LlamaServerClient } from './llama-server-client.js';

/** A prompt is evaluated in one go there: so often it is looked whether anybody still waits for it. */
const LOOK_MS = 20;

/** One generation in one slot of a llama-server. The end of its connection is the end of the generation there. */
export class LlamaServerRun implements TextRun {
  readonly cachedTokens = 0;
  readonly #leave = new AbortController();
  readonly #pieces: AsyncGenerator<CompletionPiece>;
  readonly #texts: (string | null)[] = [];
  #first: Promise<void> | null = null;

  constructor(
    client: LlamaServerClient,
    { tokens }: Prompt,
    sampling: Sampling,
    private readonly clock: Clock,
  ) {
    const { stop: _matchedHere, ...rest } = sampling;
    // What a slot holds of one caller is nothing to the others, and the server knows no callers.
    this.#pieces = client.complete({ ...rest, prompt: tokens, n_predict: -1, stream: true, cache_prompt: false, return_tokens: true }, this.#leave.signal);
  }

  async prefill(isStopped: () => boolean): Promise<void> {
    let isThere = false;
    this.#first = this.#read().finally(() => (isThere = true));
    this.#first.catch(() => undefined);
    while (!isThere && !isStopped()) await Promise.race([this.#first.catch(() => undefined), this.clock.sleep(LOOK_MS)]);
    if (isStopped()) this.#leave.abort();
  }

  async next(): Promise<string | null> {
    await this.#first;
    while (this.#texts.length === 0) await this.#read();
    return this.#texts.shift() ?? null;
  }

  rest<T>(wait: Promise<T>): Promise<T> {
    return wait;
  }

  async close(): Promise<void> {
    this.#leave.abort();
    await this.#first?.catch(() => undefined);
    await this.#pieces.return(undefined).catch(() => undefined);
  }

  /** Tokens that did not end a character are told without text, so that every token counts. */
  async #read(): Promise<void> {
    const { value, done } = await this.#pieces.next();
    if (done === true || value === undefined) return void this.#texts.push(null);
    const count = value.tokens?.length ?? (value.content === '' ? 0 : 1);
    for (let n = 1; n < count; n += 1) this.#texts.push('');
    if (count > 0) this.#texts.push(value.content);
    if (value.stop) this.#texts.push(null);
  }
}
