import { failuresAfterCrash, retryDelayMs } from './retry-policy.js';
import type { RetryPolicy } from './retry-policy.js';
import type { Failure, Replica, ReplicaPhase } from './replica.js';

/** What can happen to a replica. Times are monotonic milliseconds and come from outside. */
export type ReplicaEvent =
  | { readonly type: 'load_begun'; readonly nowMs: number }
  | { readonly type: 'progressed'; readonly fraction: number }
  | { readonly type: 'loaded'; readonly nowMs: number; readonly readyAtMs: number; readonly pid: number; readonly memoryBytes: number }
  | { readonly type: 'load_failed'; readonly nowMs: number; readonly failure: Failure; readonly random: number }
  | { readonly type: 'drain_begun'; readonly nowMs: number; readonly deadlineMs: number }
  | { readonly type: 'revived'; readonly nowMs: number }
  | { readonly type: 'stop_begun'; readonly nowMs: number }
  /** The process has ended; `error` says how when nobody asked for it. */
  | { readonly type: 'gone'; readonly nowMs: number; readonly error: string | null; readonly random: number }
  | { readonly type: 'retried'; readonly nowMs: number; readonly generation: number; readonly memoryBytes: number; readonly modelPath: string; readonly isAnew: boolean };

export type ReplicaStep = { readonly kind: 'next'; readonly next: Replica } | { readonly kind: 'removed' } | { readonly kind: 'ignored' };

/** Advances a replica by one event. Pure; an event that has no meaning in the state it meets is ignored, since stop and crash race. */
export function stepReplica(replica: Replica, event: ReplicaEvent, policy: RetryPolicy): ReplicaStep {
  const { phase } = replica;
  switch (event.type) {
    case 'load_begun':
      return phase.state === 'waiting' ? to(replica, { state: 'loading', sinceMs: event.nowMs, fraction: null }) : IGNORED;
    case 'progressed':
      return phase.state === 'loading' && event.fraction > (phase.fraction ?? -1) ? to(replica, { ...phase, fraction: event.fraction }) : IGNORED;
    case 'loaded': {
      if (phase.state !== 'loading') return IGNORED;
      const { memoryBytes, readyAtMs, pid, nowMs } = event;
      return to({ ...replica, memoryBytes, lastError: null }, { state: 'resident', sinceMs: nowMs, readyAtMs, pid });
    }
    case 'load_failed':
      return phase.state === 'loading' || phase.state === 'waiting' ? failed(replica, replica.failures + 1, event, policy) : IGNORED;
    case 'drain_begun':
      return phase.state === 'resident' ? to(replica, { ...phase, state: 'draining', sinceMs: event.nowMs, deadlineMs: event.deadlineMs }) : IGNORED;
    case 'revived':
      return phase.state === 'draining' ? to(replica, { state: 'resident', sinceMs: event.nowMs, readyAtMs: phase.readyAtMs, pid: phase.pid }) : IGNORED;
    case 'stop_begun':
      return phase.state === 'loading' || phase.state === 'resident' || phase.state === 'draining'
        ? to(replica, { state: 'stopping', sinceMs: event.nowMs, pid: 'pid' in phase ? phase.pid : null })
        : IGNORED;
    case 'gone':
      return gone(replica, event, policy);
    case 'retried': {
      if (phase.state !== 'failed') return IGNORED;
      const { generation, memoryBytes, modelPath, isAnew, nowMs } = event;
      return to({ ...replica, generation, memoryBytes, modelPath, failures: isAnew ? 0 : replica.failures }, { state: 'waiting', sinceMs: nowMs });
    }
  }
}

function gone(replica: Replica, event: Extract<ReplicaEvent, { type: 'gone' }>, policy: RetryPolicy): ReplicaStep {
  const { phase } = replica;
  if (phase.state === 'stopping' || phase.state === 'draining') return { kind: 'removed' };
  if (phase.state !== 'resident') return IGNORED;
  const failure: Failure = { kind: 'crash', message: event.error ?? 'the engine worker ended without being asked to; see its log' };
  return failed(replica, failuresAfterCrash(replica.failures, event.nowMs - phase.sinceMs, policy), { ...event, failure }, policy);
}

function failed(replica: Replica, failures: number, event: { readonly nowMs: number; readonly failure: Failure; readonly random: number }, policy: RetryPolicy): ReplicaStep {
  const { nowMs, failure, random } = event;
  // Memory comes back when another replica goes, which no clock knows.
  const retryAtMs = failure.kind === 'memory' ? null : nowMs + retryDelayMs(failures, policy, random);
  return to({ ...replica, failures: failure.kind === 'memory' ? replica.failures : failures, lastError: failure.message }, { state: 'failed', sinceMs: nowMs, failure, retryAtMs });
}

const IGNORED: ReplicaStep = { kind: 'ignored' };
const to = (replica: Replica, phase: ReplicaPhase): ReplicaStep => ({ kind: 'next', next: { ...replica, phase } });
