import { ApiError, type GenerateRequest } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';

/**
 * The control plane's own eye on a running answer. The worker keeps the deadlines; this one notices, `graceMs` later,
 * a worker or a node that no longer does. One timer per answer, none per token.
 */
export class AnswerWatch {
  readonly #expired = new AbortController();
  readonly #startedMs: number;
  #rearm = new AbortController();
  #error: ApiError | null = null;
  #lastMs: number;
  #hasBegun = false;
  #isPaused = false;
  #hasEnded = false;

  constructor(
    private readonly clock: Clock,
    private readonly graceMs: number,
    private readonly request: Pick<GenerateRequest, 'deadlines' | 'output'>,
  ) {
    this.#startedMs = this.#lastMs = clock.monotonicMs();
    void this.#run();
  }

  get signal(): AbortSignal {
    return this.#expired.signal;
  }

  /** Why the signal was aborted; null while it was not. */
  get expired(): ApiError | null {
    return this.#error;
  }

  onBytes(): void {
    this.#lastMs = this.clock.monotonicMs();
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    this.#rearm.abort();
  }

  /** While the reader is behind, the gap between tokens is its own. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#lastMs = this.clock.monotonicMs();
  }

  end(): void {
    this.#hasEnded = true;
    this.#rearm.abort();
  }

  async #run(): Promise<void> {
    while (!this.#hasEnded) {
      const next = this.#next();
      const leftMs = next === null ? Number.MAX_SAFE_INTEGER : next.atMs + this.graceMs - this.clock.monotonicMs();
      if (next !== null && leftMs <= 0) {
        this.#error = next.error();
        return this.#expired.abort(this.#error);
      }
      this.#rearm = new AbortController();
      await this.clock.sleep(leftMs, this.#rearm.signal).catch(() => undefined);
    }
  }

  /** What will be missed first; `null` where nothing is limited. */
  #next(): Due | null {
    const { deadlines, output } = this.request;
    const due = [missed('DECODE_TIMEOUT', 'the end of the answer', this.#startedMs, deadlines.wall_ms)];
    // Of an answer in one piece nothing can be seen before its end.
    if (output.stream && !this.#hasBegun) due.push(missed('FIRST_TOKEN_TIMEOUT', 'the first token', this.#startedMs, deadlines.first_token_ms));
    if (output.stream && this.#hasBegun) due.push(missed('DECODE_TIMEOUT', 'the next token', this.#isPaused ? this.clock.monotonicMs() : this.#lastMs, deadlines.token_gap_ms));
    return due.filter((one) => one !== null).toSorted((a, b) => a.atMs - b.atMs)[0] ?? null;
  }
}

interface Due {
  readonly atMs: number;
  error(): ApiError;
}

function missed(code: 'FIRST_TOKEN_TIMEOUT' | 'DECODE_TIMEOUT', what: string, sinceMs: number, limitMs: number | null): Due | null {
  if (limitMs === null) return null;
  return { atMs: sinceMs + limitMs, error: () => new ApiError(code, `${what} did not come within ${limitMs} ms; send the request again`, { retry_after_ms: 1_000 }) };
}
