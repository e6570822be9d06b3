import { takesWork, type ApiError } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { Residency } from '../assignments/residency.js';
import type { InstanceKey } from '../store/instance-rows.js';
import type { Placer } from './placer.js';
import type { TaskBook } from './task-book.js';
import type { TaskJournal } from './task-journal.js';
import type { PoolsPort } from './task-ports.js';
import type { Task, TaskTarget } from './task.js';
import { afterTries } from './tries.js';
import { expiredWait, type WaitLimits } from './wait-limits.js';

export interface WaitingTasksParts {
  readonly book: TaskBook;
  readonly placer: Placer;
  readonly pools: PoolsPort;
  readonly residency: Residency;
  readonly journal: TaskJournal;
  readonly clock: Clock;
  readonly limits: WaitLimits;
  targetNow(target: TaskTarget): TaskTarget;
}

/** What befalls tasks in the queues: their deadlines, the progress that they are told, and a pool or a definition that goes from under them. */
export class WaitingTasks {
  constructor(private readonly parts: WaitingTasksParts) {}

  /** Ends those whose time is up or that wait for nothing; tells the others how far their model is. */
  watch(): void {
    for (const task of this.parts.book.waiting()) this.#watch(task);
  }

  /** Says where a waiting task stands, unless the last frame said the same. */
  tellProgress(task: Task): void {
    if (task.state.at !== 'queued') return;
    const { book, residency, journal } = this.parts;
    const { poolId } = task.state;
    const frame = journal.waiting(task, residency.statusOf(task.target.modelKey), {
      position: book.queues.positionOf(poolId, task.id) ?? 0,
      depth: book.queues.lengthOf(poolId),
    });
    if (frame !== null) task.output.metrics(frame);
  }

  /** Queues have other policies, and models other holders. */
  servedChanged(): void {
    const { book, targetNow } = this.parts;
    book.queues.applyPolicies();
    for (const task of book.waiting()) {
      const target = targetNow(task.target);
      if (target !== task.target) book.retarget(task, target);
    }
  }

  /** Tasks whose pool cannot serve them any more wait in another one's queue, where there is one. [G-06] */
  moveStranded(): void {
    const { book, placer, pools } = this.parts;
    const serving = new Set(pools.pools().filter((p) => p.online && takesWork(p.status) && !p.status.draining).map((p) => p.status.pool_id));
    for (const task of book.waiting()) {
      if (task.state.at !== 'queued' || serving.has(task.state.poolId)) continue;
      const poolId = placer.replace(task);
      if (poolId !== null && poolId !== task.state.poolId) book.wait(task, poolId);
    }
  }

  /** Their instance was taken from its place, and no load follows by itself. [G-03] */
  refuse({ orgId, instanceId }: InstanceKey, error: ApiError): void {
    for (const task of this.parts.book.waiting()) {
      const { instance } = task.target;
      if (instance.orgId === orgId && instance.instanceId === instanceId) this.#fail(task, error);
    }
  }

  #watch(task: Task): void {
    const { book, placer, residency, clock, limits } = this.parts;
    const status = residency.statusOf(task.target.modelKey);
    book.noteLoading(task, { isLoading: status.state === 'loading' || status.state === 'fetching' });
    const { spec, target, ...waited } = task;
    const error = placer.hopeless(task) ?? expiredWait({ ...waited, modelId: target.model.model_id, deadlineMs: spec.deadlineMs }, status, clock.monotonicMs(), limits);
    if (error !== null) return this.#fail(task, error);
    this.tellProgress(task);
  }

  #fail(task: Task, error: ApiError): void {
    this.parts.book.fail(task, afterTries(error, task.tries));
  }
}
