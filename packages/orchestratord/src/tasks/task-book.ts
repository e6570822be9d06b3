import { ApiError } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import { PoolQueues, type QueuePolicy } from './pool-queues.js';
import { entryOf } from './residency-demand.js';
import type { TaskJournal } from './task-journal.js';
import type { Ending } from './task-output.js';
import type { RunningState, Task, TaskTarget } from './task.js';
import type { Try } from './tries.js';

export interface TaskBookParts {
  readonly journal: TaskJournal;
  readonly clock: Clock;
  queuePolicyOf(poolId: string): QueuePolicy;
}

/** The tasks that are here, and the queues that some of them wait in. It alone changes a task, so that both always agree. */
export class TaskBook {
  readonly queues: PoolQueues;
  readonly #tasks = new Map<string, Task>();

  constructor(private readonly parts: TaskBookParts) {
    this.queues = new PoolQueues((poolId) => parts.queuePolicyOf(poolId));
  }

  find(id: string): Task | undefined {
    return this.#tasks.get(id);
  }

  /** As they are now; what happens to them meanwhile does not change the list. */
  all(): readonly Task[] {
    return [...this.#tasks.values()];
  }

  waiting(): readonly Task[] {
    return this.all().filter((task) => task.state.at === 'queued');
  }

  get size(): number {
    return this.#tasks.size;
  }

  /** Takes a new task into the queue of a pool. Returns its position; throws the refusal. Older ones that give way to it end. */
  admit(task: Task, poolId: string): number {
    const { journal, queuePolicyOf } = this.parts;
    const admission = this.queues.enqueue(poolId, entryOf(task));
    if (admission.kind === 'already_queued') throw new ApiError('CONFLICT', `task ${task.id} is queued already; choose another task_id`, { field: 'task_id' });
    if (admission.kind === 'rejected') throw journal.queueFull(poolId, queuePolicyOf(poolId), this.queues.lengthOf(poolId));
    task.state = { at: 'queued', poolId };
    this.#tasks.set(task.id, task);
    for (const { id } of admission.evicted) this.#evict(id);
    return admission.position;
  }

  /** From now on it waits in this queue, in its place by arrival. */
  wait(task: Task, poolId: string): void {
    this.#leaveQueue(task);
    task.state = { at: 'queued', poolId };
    this.queues.restore(poolId, entryOf(task));
  }

  /** The same replica by another definition. */
  retarget(task: Task, target: TaskTarget): void {
    if (task.state.at !== 'queued') return;
    this.#leaveQueue(task);
    task.target = target;
    this.queues.restore(task.state.poolId, entryOf(task));
  }

  run(task: Task, state: RunningState): void {
    this.#leaveQueue(task);
    endLoad(task, state.startedMs);
    task.state = state;
  }

  tried(task: Task, attempt: Try): void {
    task.tries = [...task.tries, attempt];
  }

  /** It waits again where it waited before; what its run took counts as no wait. */
  waitAgain(task: Task, { poolId, startedMs }: RunningState): void {
    task.spentMs += this.parts.clock.monotonicMs() - startedMs + task.loadedMs;
    task.loadedMs = 0;
    this.wait(task, poolId);
  }

  /** What its model takes to come counts as loading, not as queueing. */
  noteLoading(task: Task, { isLoading }: { readonly isLoading: boolean }): void {
    const nowMs = this.parts.clock.monotonicMs();
    if (isLoading) task.loadingSinceMs ??= nowMs;
    else endLoad(task, nowMs);
  }

  end(task: Task, ending: Ending): void {
    this.#leaveQueue(task);
    task.state = { at: 'ended' };
    this.#tasks.delete(task.id);
    task.pin.ended(ending.kind === 'failed');
    task.output.end(ending);
  }

  fail(task: Task, error: ApiError): void {
    const { state } = task;
    this.end(task, { kind: 'failed', error });
    this.parts.journal.failed(task, state, error);
    if (state.at === 'running') state.stop.abort(error);
  }

  cancel(task: Task, reason: 'canceled' | 'disconnected'): void {
    const { state } = task;
    const progress = state.at === 'running' ? state.progress : null;
    const decodeTimeMs = progress?.firstByteAtMs == null ? 0 : Math.round(this.parts.clock.monotonicMs() - progress.firstByteAtMs);
    this.end(task, { kind: 'canceled', tokensOut: progress?.frames ?? 0, decodeTimeMs });
    this.parts.journal.canceled(task, state, reason);
    if (state.at === 'running') state.stop.abort(new Error(reason));
  }

  #evict(id: string): void {
    const task = this.#tasks.get(id);
    if (task !== undefined) this.fail(task, new ApiError('QUEUE_FULL_DROP_LRU', 'a newer task took this place in the full queue; send it again later', { retry_after_ms: 1_000, policy_label: 'drop-lru' }));
  }

  #leaveQueue({ id, state }: Task): void {
    if (state.at === 'queued') this.queues.remove(state.poolId, id);
  }
}

function endLoad(task: Task, nowMs: number): void {
  if (task.loadingSinceMs !== null) task.loadedMs += nowMs - task.loadingSinceMs;
  task.loadingSinceMs = null;
}
