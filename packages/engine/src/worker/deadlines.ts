import { ApiError, type Deadlines } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';

export interface Progress {
  readonly startedMs: number;
  /** `null` before the first token. */
  readonly lastTokenMs: number | null;
}

/** What will be missed first, and when; `null` when nothing is limited. */
function nextDeadline(deadlines: Deadlines, { startedMs, lastTokenMs }: Progress): { readonly atMs: number; readonly error: ApiError } | null {
  const due: { atMs: number; error: ApiError }[] = [];
  const add = (baseMs: number, limitMs: number | null, code: 'FIRST_TOKEN_TIMEOUT' | 'DECODE_TIMEOUT', what: string): void => {
    if (limitMs !== null) due.push({ atMs: baseMs + limitMs, error: new ApiError(code, `${what} did not come within ${limitMs} ms; try again, or raise the limit`) });
  };
  if (lastTokenMs === null) add(startedMs, deadlines.first_token_ms, 'FIRST_TOKEN_TIMEOUT', 'the first token');
  else add(lastTokenMs, deadlines.token_gap_ms, 'DECODE_TIMEOUT', 'the next token');
  add(startedMs, deadlines.wall_ms, 'DECODE_TIMEOUT', 'the end of the answer');
  return due.toSorted((a, b) => a.atMs - b.atMs)[0] ?? null;
}

/** Watches one generation. Noting a token costs one clock reading; one timer runs at a time. */
export class DeadlineWatch {
  #progress: Progress;
  #resting = false;
  #rearm = new AbortController();
  readonly #done = new AbortController();

  constructor(
    private readonly deadlines: Deadlines,
    private readonly clock: Clock,
    private readonly onMissed: (error: ApiError) => void,
  ) {
    this.#progress = { startedMs: clock.monotonicMs(), lastTokenMs: null };
    void this.#watch();
  }

  tokenSeen(): void {
    const isFirst = this.#progress.lastTokenMs === null;
    this.#progress = { ...this.#progress, lastTokenMs: this.clock.monotonicMs() };
    if (isFirst) this.#rearm.abort();
  }

  /** While the client does not read, the gap between tokens is its own. */
  rest(isResting: boolean): void {
    this.#resting = isResting;
    if (!isResting) this.tokenSeen();
  }

  close(): void {
    this.#done.abort();
    this.#rearm.abort();
  }

  async #watch(): Promise<void> {
    while (!this.#done.signal.aborted) {
      const nowMs = this.clock.monotonicMs();
      if (this.#resting) this.#progress = { ...this.#progress, lastTokenMs: nowMs };
      const next = nextDeadline(this.deadlines, this.#progress);
      const isOver = this.#progress.lastTokenMs !== null || this.deadlines.token_gap_ms === null;
      if (next === null && isOver) return;
      if (next !== null && next.atMs <= nowMs) return this.onMissed(next.error);
      this.#rearm = new AbortController();
      await this.clock.sleep(next === null ? Number.MAX_SAFE_INTEGER : next.atMs - nowMs, this.#rearm.signal).catch(() => undefined);
    }
  }
}
