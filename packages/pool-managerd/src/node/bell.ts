import type { Clock } from '@corral/service-kit';

/** Wakes one sleeper early. Rung while nobody sleeps, it ends the next sleep at once. */
export class Bell {
  #rung = new AbortController();

  constructor(private readonly clock: Clock) {}

  ring(): void {
    this.#rung.abort();
  }

  /** Resolves after `ms` or when rung, and rejects with the signal's reason when that aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const rung = this.#rung.signal;
    try {
      await this.clock.sleep(ms, AbortSignal.any([rung, signal]));
    } catch {
      signal.throwIfAborted();
    } finally {
      if (rung.aborted) this.#rung = new AbortController();
    }
  }
}
