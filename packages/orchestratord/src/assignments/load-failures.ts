import { backoffMs, type BackoffPolicy } from '@corral/service-kit';

/** How the last try to make a model resident ended. Times are monotonic milliseconds. */
export interface LoadFailure {
  readonly message: string;
  readonly failures: number;
  readonly failedAtMs: number;
  /** Until then tasks are refused with the message; then the next request tries again. */
  readonly retryAtMs: number;
}

/** Failures of models by key, with growing waits. A success, or a long quiet, starts the count anew. */
export class LoadFailures {
  readonly #failures = new Map<string, LoadFailure>();

  constructor(
    private readonly policy: BackoffPolicy & { readonly forgetAfterMs: number },
    private readonly modelsMax = 1_000,
  ) {}

  record(modelKey: string, message: string, nowMs: number): LoadFailure {
    const before = this.#failures.get(modelKey);
    const isRecent = before !== undefined && nowMs - before.failedAtMs < this.policy.forgetAfterMs;
    const failures = isRecent ? before.failures + 1 : 1;
    const failure = { message, failures, failedAtMs: nowMs, retryAtMs: nowMs + backoffMs(failures, this.policy) };
    this.#failures.delete(modelKey);
    this.#failures.set(modelKey, failure);
    const oldest = this.#failures.keys().next();
    if (this.#failures.size > this.modelsMax && oldest.done !== true) this.#failures.delete(oldest.value);
    return failure;
  }

  get(modelKey: string): LoadFailure | undefined {
    return this.#failures.get(modelKey);
  }

  /** The failure that still keeps the model from being tried; `undefined` when it may be tried. */
  blocking(modelKey: string, nowMs: number): LoadFailure | undefined {
    const failure = this.#failures.get(modelKey);
    return failure !== undefined && nowMs < failure.retryAtMs ? failure : undefined;
  }

  clear(modelKey: string): void {
    this.#failures.delete(modelKey);
  }
}
