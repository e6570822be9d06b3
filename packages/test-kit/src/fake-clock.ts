import type { Clock } from '@corral/service-kit';

interface Sleeper {
  readonly wakeAtMs: number;
  wake(): void;
}

/**
 * Time moves only when a test says so. Sleepers wake in due order, those of one moment in the order they lay down,
 * and what they do next runs before the following one wakes.
 */
export class FakeClock implements Clock {
  #elapsedMs = 0;
  #sleepers: Sleeper[] = [];

  /** @param startMs the wall clock at the start; the monotonic one begins at 0. */
  constructor(private readonly startMs = 0) {}

  nowMs(): number {
    return this.startMs + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      const onAbort = (): void => {
        this.#sleepers = this.#sleepers.filter((s) => s !== sleeper);
        reject(signal?.reason);
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      const sleeper: Sleeper = { wakeAtMs: this.#elapsedMs + Math.max(0, ms), wake };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Lets `ms` pass and returns when everything that became runnable meanwhile has run. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms;
    await settle();
    for (let next = this.#due(untilMs); next !== undefined; next = this.#due(untilMs)) {
      const due = next;
      this.#elapsedMs = Math.max(this.#elapsedMs, due.wakeAtMs);
      this.#sleepers = this.#sleepers.filter((s) => s !== due);
      due.wake();
      await settle();
    }
    this.#elapsedMs = untilMs;
  }

  /** How many are asleep; a test that ends should find none. */
  get sleeping(): number {
    return this.#sleepers.length;
  }

  /** Milliseconds until the next one wakes, `undefined` when nobody sleeps. */
  get nextWakeInMs(): number | undefined {
    return this.#sleepers.length === 0 ? undefined : Math.min(...this.#sleepers.map((s) => s.wakeAtMs)) - this.#elapsedMs;
  }

  #due(untilMs: number): Sleeper | undefined {
    return this.#sleepers.filter((s) => s.wakeAtMs <= untilMs).toSorted((a, b) => a.wakeAtMs - b.wakeAtMs)[0];
  }
}

/** Lets every promise continuation that is already runnable finish. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
