import type { Clock } from '@corral/service-kit';

/** Wakes one sleeper early. Rung while nobody sleeps, it ends the next sleep at once. */
export class Bell {
  #isRung = false;
  #sleeper: AbortController | null = null;

  constructor(private readonly clock: Clock) {}

  ring(): void {
    if (this.#sleeper === null) this.#isRung = true;
    else this.#sleeper.abort();
  }

  /** Resolves after `ms` or when rung, and rejects with the signal's reason when that aborts. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#isRung) {
      this.#isRung = false;
      return;
    }
    const sleeper = new AbortController();
    const onAbort = (): void => sleeper.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#sleeper = sleeper;
    await this.clock.sleep(ms, sleeper.signal).catch(() => undefined);
    this.#sleeper = null;
    signal.removeEventListener('abort', onAbort);
    signal.throwIfAborted();
  }
}
