import { ApiError } from '@corral/contracts';
import type { ModelStatus } from '../assignments/demand.js';

/** How long a task may wait, each for its own reason, milliseconds. */
export interface WaitLimits {
  /** For a slot, or for the turn of its model. */
  readonly queueWaitMs: number;
  /** For a load of its model that is going on. */
  readonly loadWaitMs: number;
}

export interface Waiting {
  readonly modelId: string;
  readonly arrivedMs: number;
  /** Since when its model is being fetched or loaded; null while it is not. */
  readonly loadingSinceMs: number | null;
  /** Milliseconds that it has spent on loads before the one that goes on. */
  readonly loadedMs: number;
  /** Milliseconds that went to earlier tries. */
  readonly spentMs: number;
  readonly deadlineMs: number | null;
}

/** Whether a waiting task is out of time, and the answer that it gets then. Neither loading nor an earlier try counts as queueing. */
export function expiredWait(waiting: Waiting, status: ModelStatus, nowMs: number, limits: WaitLimits): ApiError | null {
  const age = nowMs - waiting.arrivedMs;
  const loading = waiting.loadedMs + (waiting.loadingSinceMs === null ? 0 : nowMs - waiting.loadingSinceMs);
  if (waiting.deadlineMs !== null && age >= waiting.deadlineMs) {
    return new ApiError('QUEUE_TIMEOUT', `the task's deadline of ${waiting.deadlineMs} ms passed while it waited: ${status.message}`, { retry_after_ms: 1_000, policy_label: 'deadline_ms' });
  }
  if (waiting.loadingSinceMs !== null && loading >= limits.loadWaitMs) {
    const retryAfterMs = Math.max(1_000, Math.round(status.estimatedMs ?? limits.loadWaitMs / 2));
    return new ApiError('LOAD_TIMEOUT', `${waiting.modelId} is still loading after ${Math.round(loading)} ms: ${status.message}`, {
      retry_after_ms: retryAfterMs,
      hint: 'the load goes on; send the request again after Retry-After, or raise DEMAND_LOAD_WAIT_MS',
    });
  }
  if (age - loading - waiting.spentMs >= limits.queueWaitMs) {
    return new ApiError('QUEUE_TIMEOUT', `no slot became free within ${limits.queueWaitMs} ms: ${status.message}`, { retry_after_ms: 5_000, policy_label: 'queue_wait' });
  }
  return null;
}
