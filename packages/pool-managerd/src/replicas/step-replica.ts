import type { Failure } from './failure.js';
import { holdsMemory } from './replica.js';
import type { Replica, ReplicaPhase } from './replica.js';
import { afterFailure, afterReady, afterStable, afterStart, NO_FAILURES } from './restart-record.js';
import type { RestartPolicy } from './restart-policy.js';

/** What can happen to a replica. Times are monotonic milliseconds and come from outside. */
export type ReplicaEvent =
  | { readonly type: 'load_begun'; readonly nowMs: number }
  | { readonly type: 'progressed'; readonly fraction: number }
  | { readonly type: 'loaded'; readonly nowMs: number; readonly readyAtMs: number; readonly pid: number; readonly socketPath: string; readonly memoryBytes: number; readonly parkBytes: number | null }
  | { readonly type: 'park_begun' | 'resume_begun' | 'awaited'; readonly nowMs: number }
  | { readonly type: 'parked'; readonly nowMs: number; readonly heldBytes: number }
  | { readonly type: 'resumed'; readonly nowMs: number; readonly readyAtMs: number }
  | { readonly type: 'load_failed'; readonly nowMs: number; readonly failure: Failure; readonly random: number }
  | { readonly type: 'drain_begun'; readonly nowMs: number; readonly deadlineMs: number }
  | { readonly type: 'revived'; readonly nowMs: number }
  | { readonly type: 'stop_begun'; readonly nowMs: number }
  /** The process has ended; `failure` says how when nobody asked for it. */
  | { readonly type: 'gone'; readonly nowMs: number; readonly failure: Failure | null; readonly random: number }
  /** It has run well for long enough to make something good. */
  | { readonly type: 'steadied'; readonly nowMs: number }
  /** Somebody wants its failures forgotten. */
  | { readonly type: 'reset'; readonly nowMs: number }
  | { readonly type: 'retried'; readonly nowMs: number; readonly generation: number; readonly memoryBytes: number; readonly modelPath: string };

export type ReplicaStep = { readonly kind: 'next'; readonly next: Replica } | { readonly kind: 'removed' } | { readonly kind: 'ignored' };

/** Advances a replica by one event. Pure; an event that has no meaning in the state it meets is ignored, since stop and crash race. */
export function stepReplica(replica: Replica, event: ReplicaEvent, policy: RestartPolicy): ReplicaStep {
  const { phase } = replica;
  switch (event.type) {
    case 'load_begun':
      return phase.state === 'waiting' ? to({ ...replica, restart: afterStart(replica.restart, event.nowMs, policy) }, { state: 'loading', sinceMs: event.nowMs, fraction: null }) : IGNORED;
    case 'progressed':
      return phase.state === 'loading' && event.fraction > (phase.fraction ?? -1) ? to(replica, { ...phase, fraction: event.fraction }) : IGNORED;
    case 'loaded': {
      if (phase.state !== 'loading') return IGNORED;
      const { memoryBytes, parkBytes, readyAtMs, pid, socketPath, nowMs } = event;
      return to({ ...replica, memoryBytes, parkBytes, lastError: null, restart: afterReady(replica.restart, nowMs) }, { state: 'resident', sinceMs: nowMs, readyAtMs, pid, socketPath });
    }
    case 'park_begun':
    case 'parked':
    case 'awaited':
    case 'resume_begun':
    case 'resumed':
      return stepParking(replica, event);
    case 'load_failed':
      return phase.state === 'loading' || phase.state === 'waiting' ? failed(replica, event.failure, event, policy) : IGNORED;
    case 'drain_begun':
      return phase.state === 'resident' ? to(replica, { ...phase, state: 'draining', sinceMs: event.nowMs, deadlineMs: event.deadlineMs }) : IGNORED;
    case 'revived':
      return phase.state === 'draining' ? to(replica, { state: 'resident', sinceMs: event.nowMs, readyAtMs: phase.readyAtMs, pid: phase.pid, socketPath: phase.socketPath }) : IGNORED;
    case 'stop_begun':
      return holdsMemory(replica) && phase.state !== 'stopping'
        ? to(replica, { state: 'stopping', sinceMs: event.nowMs, pid: 'pid' in phase ? phase.pid : null, ...(phase.state === 'parked' && { heldBytes: phase.heldBytes }) })
        : IGNORED;
    case 'gone':
      return gone(replica, event, policy);
    case 'retried': {
      if (phase.state !== 'failed') return IGNORED;
      const { generation, memoryBytes, modelPath, nowMs } = event;
      return to({ ...replica, generation, memoryBytes, modelPath }, { state: 'waiting', sinceMs: nowMs });
    }
    case 'steadied': {
      const restart = afterStable(replica.restart, event.nowMs, policy);
      return restart === replica.restart ? IGNORED : to({ ...replica, restart }, phase);
    }
    case 'reset': {
      const restart = { ...NO_FAILURES, readySinceMs: replica.restart.readySinceMs };
      const isWaiting = phase.state === 'failed' && phase.retryAtMs !== null;
      return to({ ...replica, restart }, isWaiting ? { ...phase, retryAtMs: event.nowMs } : phase);
    }
  }
}

/** The way to the parked state and back. */
function stepParking(replica: Replica, event: Extract<ReplicaEvent, { type: 'park_begun' | 'parked' | 'awaited' | 'resume_begun' | 'resumed' }>): ReplicaStep {
  const { phase } = replica;
  if (!('socketPath' in phase)) return IGNORED;
  const process = { sinceMs: event.nowMs, pid: phase.pid, socketPath: phase.socketPath };
  switch (event.type) {
    case 'park_begun':
      return phase.state === 'draining' ? to(replica, { ...process, state: 'parking' }) : IGNORED;
    case 'parked':
      return phase.state === 'parking' ? to(replica, { ...process, state: 'parked', heldBytes: event.heldBytes, wantedSinceMs: null }) : IGNORED;
    case 'awaited':
      return phase.state === 'parked' && phase.wantedSinceMs === null ? to(replica, { ...phase, wantedSinceMs: event.nowMs }) : IGNORED;
    case 'resume_begun':
      return phase.state === 'parked' ? to(replica, { ...process, state: 'resuming' }) : IGNORED;
    case 'resumed':
      return phase.state === 'resuming' ? to({ ...replica, lastError: null, restart: afterReady(replica.restart, event.nowMs) }, { ...process, state: 'resident', readyAtMs: event.readyAtMs }) : IGNORED;
  }
}

function gone(replica: Replica, event: Extract<ReplicaEvent, { type: 'gone' }>, policy: RestartPolicy): ReplicaStep {
  const { phase } = replica;
  if (phase.state === 'stopping' || phase.state === 'draining' || phase.state === 'parking' || phase.state === 'parked') return { kind: 'removed' };
  // It was on its way back and is wanted: it is loaded as if it had never been parked. [C-253]
  if (phase.state === 'resuming') return to(replica, { state: 'waiting', sinceMs: event.nowMs });
  if (phase.state !== 'resident') return IGNORED;
  const failure: Failure = event.failure ?? { kind: 'crash', reason: 'exit', message: 'the engine worker ended with exit code 0 without being asked to; see its log' };
  return failed(replica, failure, event, policy);
}

function failed(replica: Replica, failure: Failure, { nowMs, random }: { readonly nowMs: number; readonly random: number }, policy: RestartPolicy): ReplicaStep {
  // Memory comes back when another replica goes, which no clock knows, and is no fault of this one.
  if (failure.kind === 'memory' || failure.kind === 'room') return to({ ...replica, lastError: failure.message, restart: { ...replica.restart, readySinceMs: null } }, { state: 'failed', sinceMs: nowMs, failure, retryAtMs: null });
  const { record, retryAtMs } = afterFailure(replica.restart, failure, { nowMs, random }, policy);
  return to({ ...replica, restart: record, lastError: failure.message }, { state: 'failed', sinceMs: nowMs, failure, retryAtMs });
}

const IGNORED: ReplicaStep = { kind: 'ignored' };
const to = (replica: Replica, phase: ReplicaPhase): ReplicaStep => ({ kind: 'next', next: { ...replica, phase } });
