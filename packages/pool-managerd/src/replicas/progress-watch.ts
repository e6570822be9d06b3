import type { Clock } from '@corral/service-kit';

/** Aborts when nothing moved for a while, however long the whole takes. */
export class ProgressWatch {
  readonly #controller = new AbortController();
  readonly #ended = new AbortController();
  #movedMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly stallMs: number,
    private readonly reason: () => Error,
  ) {
    this.#movedMs = clock.monotonicMs();
    void this.#watch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  moved(): void {
    this.#movedMs = this.clock.monotonicMs();
  }

  /** Ends the watch; the signal stays as it is. */
  close(): void {
    this.#ended.abort();
  }

  async #watch(): Promise<void> {
    try {
      for (;;) {
        const leftMs = this.#movedMs + this.stallMs - this.clock.monotonicMs();
        if (leftMs <= 0) return this.#controller.abort(this.reason());
        await this.clock.sleep(leftMs, this.#ended.signal);
      }
    } catch {
      // Closed.
    }
  }
}
