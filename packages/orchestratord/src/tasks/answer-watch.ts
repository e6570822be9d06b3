import { ApiError, type GenerateRequest } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';

export interface WatchLimits {
  /** What a worker may need beyond its own deadlines to say so itself, milliseconds. */
  readonly graceMs: number;
  /** For an answer that comes in one piece, where nothing can be seen of its tokens. */
  readonly wholeAnswerMs: number;
}

/**
 * The control plane's own eye on a running answer. The worker keeps the deadlines; this one notices a
 * worker or a node that no longer does. One timer per answer, none per token.
 */
export class AnswerWatch {
  readonly #expired = new AbortController();
  readonly #ended = new AbortController();
  #error: ApiError | null = null;
  #lastMs: number;
  #seenHead = false;

  constructor(
    private readonly clock: Clock,
    private readonly limits: WatchLimits,
    private readonly request: Pick<GenerateRequest, 'deadlines' | 'output'>,
  ) {
    this.#lastMs = clock.monotonicMs();
    void this.#run();
  }

  get signal(): AbortSignal {
    return this.#expired.signal;
  }

  /** Why the signal was aborted; null while it was not. */
  get expired(): ApiError | null {
    return this.#error;
  }

  onHead(): void {
    this.#seenHead = true;
    this.onBytes();
  }

  onBytes(): void {
    this.#lastMs = this.clock.monotonicMs();
  }

  end(): void {
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    try {
      for (let leftMs = this.#leftMs(); leftMs > 0; leftMs = this.#leftMs()) await this.clock.sleep(leftMs, this.#ended.signal);
    } catch {
      return;
    }
    this.#error = this.#timeout();
    this.#expired.abort(this.#error);
  }

  #leftMs(): number {
    return this.#lastMs + this.#limitMs() + this.limits.graceMs - this.clock.monotonicMs();
  }

  #limitMs(): number {
    const { deadlines, output } = this.request;
    if (!output.stream) return deadlines.wall_ms ?? this.limits.wholeAnswerMs;
    return (this.#seenHead ? deadlines.token_gap_ms : deadlines.first_token_ms) ?? this.limits.wholeAnswerMs;
  }

  #timeout(): ApiError {
    const limitMs = this.#limitMs();
    if (this.#seenHead) return new ApiError('DECODE_TIMEOUT', `no token came for ${limitMs} ms; send the request again`, { retry_after_ms: 1_000 });
    const what = this.request.output.stream ? 'the first token' : 'the answer';
    return new ApiError('FIRST_TOKEN_TIMEOUT', `${what} did not come within ${limitMs} ms; send the request again`, { retry_after_ms: 1_000 });
  }
}
