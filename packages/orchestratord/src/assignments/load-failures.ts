import { backoffMs, type BackoffPolicy } from '@corral/service-kit';
import type { AssignmentView } from './assignment-view.js';

/** How the last try to make a model resident ended. Times are monotonic milliseconds. */
export interface LoadFailure {
  readonly message: string;
  readonly failures: number;
  readonly failedAtMs: number;
  /** Until then tasks are refused with the message; then the next request tries again. */
  readonly retryAtMs: number;
  /** The pool whose breaker is open for it; `null` when the wait is this control plane's own. */
  readonly heldIn: string | null;
}

/** A node that will not try for a while, whoever asks. */
export interface Held {
  readonly poolId: string;
  readonly untilMs: number;
}

/** A clock of another machine is not believed further than this. */
const HELD_MAX_MS = 3_600_000;

/** Failures of models by key, with growing waits. A success, or a long quiet, starts the count anew. */
export class LoadFailures {
  readonly #failures = new Map<string, LoadFailure>();

  constructor(
    private readonly policy: BackoffPolicy & { readonly forgetAfterMs: number },
    private readonly modelsMax = 1_000,
  ) {}

  record(modelKey: string, message: string, nowMs: number, held: Held | null = null): LoadFailure {
    const before = this.#failures.get(modelKey);
    const isRecent = before !== undefined && nowMs - before.failedAtMs < this.policy.forgetAfterMs;
    const failures = isRecent ? before.failures + 1 : 1;
    const retryAtMs = Math.min(nowMs + HELD_MAX_MS, Math.max(held?.untilMs ?? 0, nowMs + backoffMs(failures, this.policy)));
    const failure = { message, failures, failedAtMs: nowMs, retryAtMs, heldIn: held?.poolId ?? null };
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

  /** Models whose node held them when they failed, with that pool. */
  held(): readonly { readonly modelKey: string; readonly poolId: string; readonly failedAtMs: number }[] {
    return [...this.#failures].flatMap(([modelKey, { heldIn, failedAtMs }]) => (heldIn === null ? [] : [{ modelKey, poolId: heldIn, failedAtMs }]));
  }

  clear(modelKey: string): void {
    this.#failures.delete(modelKey);
  }
}

/** Whether the node holds a failed assignment back for a while; `monotonicMs` is what to add to Unix milliseconds. Pure. */
export function heldOf({ assignment, status }: AssignmentView, monotonicMs: number): Held | null {
  if (status?.retry_at_ms === undefined) return null;
  return { poolId: assignment.target.pool_id, untilMs: status.retry_at_ms + monotonicMs };
}
