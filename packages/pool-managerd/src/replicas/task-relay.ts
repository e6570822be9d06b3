import { ApiError, USAGE_TRAILER } from '@corral/contracts';
import { relay } from '@corral/service-kit';
import type { Log, RelayOutcome, RelaySink } from '@corral/service-kit';
import type { ReplicaLease, ReplicaSet } from './replica-set.js';

/** What of a request the node reads; the rest is the worker's. */
export interface TaskHead {
  readonly taskId: string;
  readonly replicaId: string;
  readonly correlationId: string;
}

export interface TaskRequest extends TaskHead {
  readonly poolId: string;
  /** The body as it came; it goes to the worker untouched. */
  readonly body: Buffer;
  /** Aborted when the caller has gone. */
  readonly gone: AbortSignal;
  /** Called once when the worker's answer begins. */
  open(headers: Readonly<Record<string, string>>): RelaySink;
}

/** How a task ended. `cut`: the answer had begun and must not look whole. */
export type TaskOutcome =
  | { readonly kind: 'ended' | 'canceled' | 'caller_gone' | 'cut' }
  | { readonly kind: 'refused'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly body: string };

export interface TaskRelayOptions {
  readonly replicas: ReplicaSet;
  readonly log: Log;
  /** A replica of this file got a task. */
  onAdmitted(digest: string): void;
  /** Why a pool takes no work; `null` when it does, `undefined` for one that this node does not have. */
  obstacleOf(poolId: string): string | null | undefined;
}

const PASSED_HEADERS = ['content-type', 'cache-control', 'x-accel-buffering', 'retry-after', 'x-backoff-ms'];
const ENDED_MAX = 2_000;

/** Passes tasks to replicas. A slot is held exactly as long as the request is open. [C-20] */
export class TaskRelay {
  readonly #open = new Map<string, Set<AbortController>>();
  /** Tasks that were here, newest last, so that a late cancel is told apart from a wrong one. [G-34] */
  readonly #ended = new Set<string>();
  #isClosed = false;

  constructor(private readonly options: TaskRelayOptions) {}

  /** Throws the refusal when the task cannot start here; see the table in specs/pool-managerd. */
  async run(task: TaskRequest): Promise<TaskOutcome> {
    const { replica, client, lease } = this.#lease(task);
    this.options.onAdmitted(replica.digest);
    const controller = new AbortController();
    const key = keyOf(task.poolId, task.taskId);
    this.#open.set(key, (this.#open.get(key) ?? new Set()).add(controller));
    try {
      const outcome = await relay({
        pool: client.pool,
        path: '/generate',
        headers: { 'content-type': 'application/json', 'x-correlation-id': task.correlationId },
        body: task.body,
        signal: AbortSignal.any([controller.signal, task.gone]),
        onHead: (status, headers) => (status === 200 ? task.open({ ...passed(headers), trailer: USAGE_TRAILER }) : 'refuse'),
      });
      return this.#outcomeOf(outcome, task, { isCanceled: controller.signal.aborted, modelId: replica.modelId });
    } finally {
      lease.release();
      this.#close(key, controller);
    }
  }

  /** Ends a task; the answer breaks off. False for a task that was never here. */
  cancel(poolId: string, taskId: string): boolean {
    const key = keyOf(poolId, taskId);
    for (const controller of this.#open.get(key) ?? []) controller.abort(new Error('canceled'));
    return this.#open.has(key) || this.#ended.has(key);
  }

  /** Takes no more tasks; those that run go on. */
  close(): void {
    this.#isClosed = true;
  }

  #lease({ poolId, replicaId }: TaskRequest): ReplicaLease {
    if (this.#isClosed) throw new ApiError('SHUTTING_DOWN', 'the node is stopping; send the task elsewhere', { pool_id: poolId });
    const obstacle = this.options.obstacleOf(poolId);
    if (obstacle === undefined) throw new ApiError('NOT_FOUND', `pool ${poolId} not found; GET /v2/pools lists what there is`);
    if (obstacle !== null) throw new ApiError('POOL_UNREADY', `pool ${poolId} takes no work: ${obstacle}`, { pool_id: poolId });
    const leased = this.options.replicas.lease(poolId, replicaId);
    switch (leased) {
      case 'unknown':
        throw new ApiError('NOT_FOUND', `pool ${poolId} has no replica ${replicaId}; GET /v2/pools/${poolId}/status lists them`, { pool_id: poolId });
      case 'not_resident':
        throw new ApiError('POOL_UNREADY', `replica ${replicaId} is not resident; send the task when it is`, { pool_id: poolId });
      case 'exhausted':
        throw new ApiError('REPLICA_EXHAUSTED', `every slot of replica ${replicaId} is taken; send the task when one is free`, { pool_id: poolId });
      default:
        return leased;
    }
  }

  #outcomeOf(outcome: RelayOutcome, task: TaskRequest, about: { readonly isCanceled: boolean; readonly modelId: string }): TaskOutcome {
    switch (outcome.kind) {
      case 'ended':
        return { kind: 'ended' };
      case 'refused':
        return { kind: 'refused', status: outcome.status, headers: passed(outcome.headers), body: outcome.body };
      case 'aborted':
        return { kind: about.isCanceled ? 'canceled' : 'caller_gone' };
      case 'broken': {
        const { poolId, replicaId, taskId, correlationId } = task;
        this.options.log.warn('answer broke off', { pool_id: poolId, replica_id: replicaId, model_id: about.modelId, job_id: taskId, correlation_id: correlationId, reason: outcome.cause.message });
        if (!outcome.beforeHead) return { kind: 'cut' };
        throw new ApiError('WORKER_RESET', `the engine worker of replica ${replicaId} went away before it answered; send the task again`, { pool_id: poolId }, { cause: outcome.cause });
      }
    }
  }

  #close(key: string, controller: AbortController): void {
    const open = this.#open.get(key);
    open?.delete(controller);
    if (open?.size === 0) this.#open.delete(key);
    this.#ended.delete(key);
    this.#ended.add(key);
    const [oldest] = this.#ended;
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest);
  }
}

function keyOf(poolId: string, taskId: string): string {
  return `${poolId}/${taskId}`;
}

function passed(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  return Object.fromEntries(PASSED_HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])));
}
