import { ApiError, type ErrorCode, type GenerateUsage, type MetricsFrame, type ORCHESTRATORD_METRICS } from '@corral/contracts';
import { predictStartMs, type PlacementDecision, type PlacementInput } from '@corral/orchestrator-core';
import type { Clock, Log, Metrics } from '@corral/service-kit';
import type { ModelStatus } from '../assignments/demand.js';
import { narrate } from './narration.js';
import { Paces } from './paces.js';
import type { QueuePolicy } from './pool-queues.js';
import type { RunningState, Task, TaskState } from './task.js';

type Place = { readonly engine: string; readonly engine_version: string; readonly pool_id: string; readonly replica_id: string };

export interface TaskJournalParts {
  readonly log: Log;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly clock: Clock;
  engineVersionOf(poolId: string): string;
  /** Counts a task that has ended. */
  used(by: Pick<Task, 'orgId' | 'keyId'>, tokens: { readonly tokensIn: number; readonly tokensOut: number }): void;
}

const ENGINE = 'llamacpp';
/** Ends that a deadline or a watchdog made. */
const TIMEOUTS: ReadonlySet<ErrorCode> = new Set(['QUEUE_TIMEOUT', 'LOAD_TIMEOUT', 'FIRST_TOKEN_TIMEOUT', 'DECODE_TIMEOUT']);

/** Everything the task loop tells the world: log lines, metrics, narration. It decides nothing. [H-10 H-13 A-61] */
export class TaskJournal {
  readonly #paces = new Paces();
  readonly #lastTold = new Map<string, string>();

  constructor(private readonly parts: TaskJournalParts) {}

  decided(task: Task, phase: PlacementInput['phase'], decision: PlacementDecision): void {
    const { log, metrics } = this.parts;
    if (decision.kind === 'invalid_params') return;
    const { pinned, fallbackUsed, candidatesConsidered, candidatesFeasible, filtersApplied, tieBreakersApplied, selectedPoolId, selectedReplicaId } = decision.log;
    const outcome = decision.kind === 'assigned' ? 'assigned' : 'no_capacity';
    metrics.inc('placement_decisions_total', { outcome, pinned: String(pinned), fallback: String(fallbackUsed) });
    metrics.set('placement_candidates_considered', {}, candidatesConsidered);
    log.info('placement decided', {
      ...this.#fields(task),
      phase,
      outcome: decision.kind,
      ...(decision.kind === 'no_capacity' ? { reason: decision.reason, filter: decision.filter } : {}),
      selected_pool_id: selectedPoolId,
      selected_replica_id: selectedReplicaId,
      candidates_considered: candidatesConsidered,
      candidates_feasible: candidatesFeasible,
      filters_applied: filtersApplied.map((f) => ({ filter: f.filter, pool_ids: f.poolIds })),
      tie_breakers_applied: tieBreakersApplied,
      pinned,
      fallback_used: fallbackUsed,
      ...(phase === 'dispatch' ? { human: narrate.placed(task) } : {}),
    });
  }

  admitted(task: Task, poolId: string, position: number, predictedStartMs: number): void {
    this.parts.metrics.inc('tasks_enqueued_total', { ...this.#place(poolId, ''), priority: task.priority });
    this.parts.log.info('task admitted', { ...this.#fields(task), pool_id: poolId, queue_position: position, predicted_start_ms: predictedStartMs, seed: task.spec.sampling.seed, human: narrate.admitted(task, position) });
  }

  /** Counts the refusal and words it. [B-54] */
  queueFull(poolId: string, policy: QueuePolicy, length: number): ApiError {
    const { metrics } = this.parts;
    metrics.inc('tasks_rejected_total', { engine: ENGINE, reason: 'queue_full' });
    metrics.inc('admission_backpressure_events_total', { engine: ENGINE, policy: policy.fullPolicy });
    const code = policy.fullPolicy === 'drop-lru' ? 'QUEUE_FULL_DROP_LRU' : 'ADMISSION_REJECT';
    return new ApiError(code, `the queue of pool ${poolId} is full (${length} of ${policy.capacity}); send the request again after Retry-After, or raise QUEUE_CAPACITY`, {
      retry_after_ms: Math.max(1_000, predictStartMs(length)),
      policy_label: policy.fullPolicy,
      pool_id: poolId,
    });
  }

  /** Until the first byte, with `ahead` tasks before this one. */
  predictStartMs(task: Task, ahead: number, status: ModelStatus): number {
    const readyInMs = status.state === 'resident' ? 0 : (status.estimatedMs ?? 0);
    return predictStartMs(ahead, { ...this.#paces.hints(task.target.modelKey), slotsTotal: task.target.model.slots, readyInMs });
  }

  started(task: Task, poolId: string, replicaId: string): void {
    this.#lastTold.delete(task.id);
    this.parts.metrics.inc('tasks_started_total', { ...this.#place(poolId, replicaId), priority: task.priority });
    task.output.metrics({ pool_id: poolId, replica_id: replicaId, kv_warmth: false, ...(task.target.route === null ? {} : { route: task.target.route }), human: narrate.placed(task) });
    this.parts.log.info('task started', { ...this.#fields(task), pool_id: poolId, replica_id: replicaId, queue_time_ms: this.#ageMs(task), human: narrate.started(task) });
  }

  /** A replica without a free slot is no fault: it is freeing one. */
  placedAgain(task: Task, at: RunningState, error: ApiError): void {
    const { log } = this.parts;
    const level = error.code === 'REPLICA_EXHAUSTED' ? 'debug' : 'warn';
    log[level]('task placed again', { ...this.#fields(task), pool_id: at.poolId, replica_id: at.replicaId, attempt: task.tries.length, code: error.code, reason: error.message });
  }

  /** The frame for whoever waits, or null where it would say what the last one said. */
  waiting(task: Task, status: ModelStatus, at: { readonly position: number; readonly depth: number }): MetricsFrame | null {
    const waitingFor = waitReason(status);
    const frame: MetricsFrame = { queue_position: at.position, queue_depth: at.depth, kv_warmth: false, waiting_for: waitingFor, prep: [...status.steps] };
    const told = JSON.stringify(frame);
    if (this.#lastTold.get(task.id) === told) return null;
    this.#lastTold.set(task.id, told);
    return { ...frame, human: narrate.waiting(task, waitingFor) };
  }

  completed(task: Task, at: RunningState, usage: GenerateUsage | null): void {
    const { metrics, log } = this.parts;
    const place = this.#place(at.poolId, at.replicaId);
    const byPool = { engine: ENGINE, engine_version: place.engine_version, pool_id: at.poolId, priority: task.priority };
    metrics.inc('tasks_finished_total', { pool_id: at.poolId, outcome: 'completed' });
    if (usage !== null) {
      metrics.inc('tokens_in_total', place, usage.tokens_in);
      metrics.inc('tokens_out_total', place, usage.tokens_out);
      metrics.observe('latency_decode_ms', byPool, usage.decode_time_ms);
      if (usage.first_token_ms !== null) metrics.observe('latency_first_token_ms', byPool, at.startedMs - task.arrivedMs + usage.first_token_ms);
    }
    this.parts.used(task, { tokensIn: usage?.tokens_in ?? 0, tokensOut: usage?.tokens_out ?? 0 });
    if (usage !== null) this.#paces.learn(task.target.modelKey, usage);
    log.info('task ended', { ...this.#fields(task), pool_id: at.poolId, replica_id: at.replicaId, outcome: 'completed', ...usage, queue_time_ms: Math.round(at.startedMs - task.arrivedMs), human: narrate.ended(task, usage) });
  }

  canceled(task: Task, from: TaskState, reason: 'canceled' | 'disconnected'): void {
    this.#finished(task, from, reason);
    this.#cut(from, reason);
    this.parts.log.info('task ended', { ...this.#fields(task), ...placeOf(from), outcome: 'canceled', reason, human: narrate.canceled(task, reason) });
  }

  failed(task: Task, from: TaskState, error: ApiError): void {
    this.#finished(task, from, error.code);
    if (TIMEOUTS.has(error.code)) this.#cut(from, 'timeout');
    this.parts.log.warn('task ended', { ...this.#fields(task), ...placeOf(from), outcome: 'failed', code: error.code, reason: error.message });
  }

  #finished(task: Task, from: TaskState, outcome: string): void {
    this.parts.used(task, { tokensIn: 0, tokensOut: shownTokens(task, from) });
    this.#lastTold.delete(task.id);
    this.parts.metrics.inc('tasks_finished_total', { pool_id: from.at === 'ended' ? '' : from.poolId, outcome });
  }

  #cut(from: TaskState, reason: 'canceled' | 'disconnected' | 'timeout'): void {
    const { poolId = '', replicaId = '' } = from.at === 'running' ? from : from.at === 'queued' ? { poolId: from.poolId } : {};
    this.parts.metrics.inc('tasks_canceled_total', { ...this.#place(poolId, replicaId), reason });
  }

  #fields(task: Task): object {
    return { job_id: task.id, correlation_id: task.correlationId, model_id: task.target.model.model_id, priority: task.priority, engine: ENGINE };
  }

  #place(poolId: string, replicaId: string): Place {
    return { engine: ENGINE, engine_version: this.parts.engineVersionOf(poolId), pool_id: poolId, replica_id: replicaId };
  }

  #ageMs(task: Task): number {
    return Math.round(this.parts.clock.monotonicMs() - task.arrivedMs);
  }
}

/** Of an answer that was cut: what was streamed. Only frames of the task dialect are a token each. */
function shownTokens({ spec }: Task, from: TaskState): number {
  return from.at === 'running' && spec.output.stream ? from.progress.frames : 0;
}

function waitReason({ state, message }: ModelStatus): string {
  if (state === 'resident') return 'a free slot';
  return state === 'none' ? 'a place for its model' : message;
}

function placeOf(state: TaskState): object {
  if (state.at === 'running') return { pool_id: state.poolId, replica_id: state.replicaId };
  return state.at === 'queued' ? { pool_id: state.poolId } : {};
}
