import { backoffMs } from '@corral/service-kit';
import type { Failure } from './failure.js';
import type { RestartPolicy } from './restart-policy.js';

/**
 * Whether a model may be started. Closed: after its backoff. Open: not before its time, whoever asks. Half-open: the start
 * that comes, or goes on, is the one trial. Times are monotonic milliseconds.
 */
export type Breaker =
  | { readonly state: 'closed' }
  | { readonly state: 'open'; readonly untilMs: number; readonly openMs: number; readonly cause: 'failures' | 'storm' | 'trial' }
  | { readonly state: 'half_open'; readonly openMs: number };

/** What is known of the failures of one model in one shape in one pool: it outlives the replicas, so that no new order forgets them. */
export interface RestartRecord {
  /** In a row; what opens the breaker. */
  readonly failures: number;
  /** What the backoff grows with. */
  readonly backoffStep: number;
  /** Restarts since it last ran well for long. */
  readonly restarts: number;
  /** When it was started again lately; at most as many as the policy allows, oldest first. */
  readonly restartedAtMs: readonly number[];
  readonly breaker: Breaker;
  /** The last failure that counted; `null` when none is remembered. */
  readonly last: Failure | null;
  readonly failedAtMs: number | null;
  /** Since when its process is ready; `null` while it is not. */
  readonly readySinceMs: number | null;
}

export const NO_FAILURES: RestartRecord = { failures: 0, backoffStep: 0, restarts: 0, restartedAtMs: [], breaker: { state: 'closed' }, last: null, failedAtMs: null, readySinceMs: null };

/** A process is started. After a failure that is a restart; a due breaker makes it the trial. */
export function afterStart(record: RestartRecord, nowMs: number, policy: RestartPolicy): RestartRecord {
  if (record.last === null) return record;
  const { breaker } = record;
  return {
    ...record,
    restarts: record.restarts + 1,
    restartedAtMs: [...withinWindow(record, nowMs, policy), nowMs].slice(-policy.restartsMax),
    breaker: breaker.state === 'open' ? { state: 'half_open', openMs: breaker.openMs } : breaker,
  };
}

/** Its first token came. */
export function afterReady(record: RestartRecord, nowMs: number): RestartRecord {
  return { ...record, readySinceMs: nowMs };
}

/** It failed, or its process ended. Returns the record and when it may be started again, monotonic milliseconds. `random` is in [0, 1). [C-51 C-52 C-53] */
export function afterFailure(before: RestartRecord, failure: Failure, at: { readonly nowMs: number; readonly random: number }, policy: RestartPolicy): { readonly record: RestartRecord; readonly retryAtMs: number } {
  const { nowMs, random } = at;
  const settled = afterQuiet(afterStable(before, nowMs, policy), nowMs, policy);
  const record = { ...settled, failures: settled.failures + 1, backoffStep: settled.backoffStep + 1, last: failure, failedAtMs: nowMs, readySinceMs: null };
  const breaker = opened(record, nowMs, policy);
  if (breaker !== null) return { record: { ...record, breaker }, retryAtMs: breaker.untilMs };
  const factor = failure.reason === 'device' ? policy.backoffDeviceFactor : 1;
  const waitMs = Math.min(policy.backoffMaxMs, factor * backoffMs(record.backoffStep, { initialMs: policy.backoffInitialMs, maxMs: policy.backoffMaxMs }));
  return { record, retryAtMs: nowMs + Math.round(waitMs * (0.9 + random * 0.2)) };
}

/** What being ready for long enough makes good. The same record when nothing is. */
export function afterStable(record: RestartRecord, nowMs: number, policy: RestartPolicy): RestartRecord {
  if (record.readySinceMs === null || record.last === null) return record;
  const stableMs = nowMs - record.readySinceMs;
  if (stableMs >= policy.restartResetMs && stableMs >= policy.backoffResetMs && stableMs >= policy.breakerCloseMs) return { ...NO_FAILURES, readySinceMs: record.readySinceMs };
  const failures = stableMs >= policy.breakerCloseMs ? 0 : record.failures;
  const backoffStep = stableMs >= policy.backoffResetMs ? 0 : record.backoffStep;
  const restarts = stableMs >= policy.restartResetMs ? 0 : record.restarts;
  const isClosing = failures === 0 && record.breaker.state !== 'closed';
  if (failures === record.failures && backoffStep === record.backoffStep && restarts === record.restarts && !isClosing) return record;
  return { ...record, failures, backoffStep, restarts, restartedAtMs: restarts === 0 ? [] : record.restartedAtMs, breaker: isClosing ? { state: 'closed' } : record.breaker };
}

/** A model that is loaded and unloaded all day is never ready for long: what failed long ago counts no more. */
function afterQuiet(record: RestartRecord, nowMs: number, policy: RestartPolicy): RestartRecord {
  const { breaker } = record;
  const quietMs = policy.restartResetMs + (breaker.state === 'closed' ? 0 : breaker.openMs + policy.breakerOpenMaxMs);
  return record.failedAtMs !== null && nowMs - record.failedAtMs >= quietMs ? NO_FAILURES : record;
}

/** When staying ready will next make something good; `null` when there is nothing to make good. */
export function nextStableMs(record: RestartRecord, policy: RestartPolicy): number | null {
  const { readySinceMs, last } = record;
  if (readySinceMs === null || last === null) return null;
  const due = [policy.breakerCloseMs, policy.backoffResetMs, policy.restartResetMs].map((ms) => readySinceMs + ms).filter((atMs) => afterStable(record, atMs, policy) !== record);
  return due.length === 0 ? null : Math.min(...due);
}

/** Whether nobody may start it at this moment. */
export function isHeldOpen({ breaker }: RestartRecord, nowMs: number): boolean {
  return breaker.state === 'open' && nowMs < breaker.untilMs;
}

function opened(record: RestartRecord, nowMs: number, policy: RestartPolicy): Extract<Breaker, { state: 'open' }> | null {
  const { breaker, failures } = record;
  const open = (openMs: number, cause: 'failures' | 'storm' | 'trial') => ({ state: 'open' as const, untilMs: nowMs + openMs, openMs, cause });
  if (breaker.state !== 'closed') return open(Math.min(policy.breakerOpenMaxMs, breaker.openMs * 2), 'trial');
  if (failures >= policy.breakerThreshold) return open(policy.breakerOpenMs, 'failures');
  return withinWindow(record, nowMs, policy).length >= policy.restartsMax ? open(policy.breakerOpenMs, 'storm') : null;
}

function withinWindow({ restartedAtMs }: RestartRecord, nowMs: number, { restartWindowMs }: RestartPolicy): readonly number[] {
  return restartedAtMs.filter((atMs) => nowMs - atMs < restartWindowMs);
}
