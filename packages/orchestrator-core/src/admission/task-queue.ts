import { compareTasks, TaskLine, type QueuedTask } from './task-line.js';
import { PRIORITIES, type Priority } from './priority.js';

/** What a full queue does with a newcomer. */
export type FullPolicy = 'reject' | 'drop-lru' | 'shed-low-priority';

/** A task on its way into a queue. Without `arrivalSeq` it is the newest; a task that is queued again keeps its own. */
export interface NewTask {
  readonly id: string;
  readonly priority: Priority;
  readonly modelKey: string;
  readonly arrivalSeq?: number;
}

/** The answer of `enqueue`. `evicted` lists who made room, in the order they left; each of them has to be told. [A-73 … A-75] */
export type QueueAdmission =
  | { readonly kind: 'admitted'; readonly task: QueuedTask; readonly position: number; readonly evicted: readonly QueuedTask[] }
  | { readonly kind: 'rejected'; readonly policy: FullPolicy; readonly capacity: number }
  | { readonly kind: 'already_queued'; readonly task: QueuedTask; readonly position: number };

export interface TaskQueueOptions {
  /** Tasks of both classes together. */
  readonly capacity: number;
  readonly fullPolicy: FullPolicy;
}

/**
 * The bounded queue of one pool: interactive before batch, and first come first served per class and model, so that
 * the head of a model that is not loaded does not block one that is.
 *
 * The order is total: class, then `arrivalSeq`, then id. Enqueue, cancel and take are O(1) for tasks that arrive in
 * order; `position` and `snapshot` walk one class. The queue holds at most `capacity` tasks after every admission.
 * [A-70 … A-76]
 */
export class TaskQueue {
  readonly #tasks = new Map<string, QueuedTask>();
  readonly #classes: Readonly<Record<Priority, TaskLine>> = { interactive: new TaskLine(), batch: new TaskLine() };
  readonly #lanes: Readonly<Record<Priority, Map<string, TaskLine>>> = { interactive: new Map(), batch: new Map() };
  #capacity: number;
  #fullPolicy: FullPolicy;
  #nextSeq = 0;

  constructor({ capacity, fullPolicy }: TaskQueueOptions) {
    this.#capacity = capacity;
    this.#fullPolicy = fullPolicy;
  }

  /** Queued tasks of both classes. */
  get len(): number {
    return this.#tasks.size;
  }

  get capacity(): number {
    return this.#capacity;
  }

  get fullPolicy(): FullPolicy {
    return this.#fullPolicy;
  }

  /** Admits a task, or says why not; a task that is queued already stays where it is. */
  enqueue({ id, priority, modelKey, arrivalSeq = this.#nextSeq }: NewTask): QueueAdmission {
    const queued = this.#tasks.get(id);
    if (queued !== undefined) return { kind: 'already_queued', task: queued, position: this.#classes[queued.priority].indexOf(id) };

    const evicted = this.#victims(priority);
    if (evicted === null) return { kind: 'rejected', policy: this.#fullPolicy, capacity: this.#capacity };
    for (const victim of evicted) this.take(victim.id);
    const task: QueuedTask = { id, priority, modelKey, arrivalSeq };
    return { kind: 'admitted', task, position: this.#insert(task), evicted };
  }

  /**
   * Puts back a task that was admitted before and taken: it keeps its place, is never refused and evicts nobody, so
   * that the queue may for a while hold as many tasks over its capacity as are put back. Returns its position.
   */
  restore(task: QueuedTask): number {
    return this.position(task.id) ?? this.#insert(task);
  }

  /** Removes and returns the first task of all, or `null` from an empty queue. */
  dequeue(): QueuedTask | null {
    const first = this.#classes.interactive.first ?? this.#classes.batch.first;
    return first === null ? null : this.take(first.id);
  }

  /** Removes and returns one task wherever it stands, or `null` when it is not queued. */
  take(id: string): QueuedTask | null {
    const task = this.#tasks.get(id);
    if (task === undefined) return null;
    this.#tasks.delete(id);
    this.#classes[task.priority].remove(id);
    const lane = this.#lane(task);
    lane.remove(id);
    if (lane.length === 0) this.#lanes[task.priority].delete(task.modelKey);
    return task;
  }

  /** Removes a task for good; `false` when it is not queued, any number of times. */
  cancel(id: string): boolean {
    return this.take(id) !== null;
  }

  /** Tasks of its class that go before this one, or `null` when it is not queued. */
  position(id: string): number | null {
    const task = this.#tasks.get(id);
    return task === undefined ? null : this.#classes[task.priority].indexOf(id);
  }

  /** Tasks of any class that go before this one, or `null` when it is not queued: what `predictStartMs` reads. */
  ahead(id: string): number | null {
    const task = this.#tasks.get(id);
    if (task === undefined) return null;
    return this.#classes[task.priority].indexOf(id) + (task.priority === 'batch' ? this.depth('interactive') : 0);
  }

  /** The oldest task of every class and model, in the order in which they should be tried. */
  heads(): readonly QueuedTask[] {
    return PRIORITIES.flatMap((priority) => [...this.#lanes[priority].values()].flatMap((lane) => lane.first ?? []).sort(compareTasks));
  }

  /** Queued tasks of one class. */
  depth(priority: Priority): number {
    return this.#classes[priority].length;
  }

  /** Queued tasks of one class and model. */
  waiting(priority: Priority, modelKey: string): number {
    return this.#lanes[priority].get(modelKey)?.length ?? 0;
  }

  /** The tasks of one class in their order. */
  snapshot(priority: Priority): readonly QueuedTask[] {
    return [...this.#classes[priority]];
  }

  /** A smaller capacity evicts nobody by itself: the next newcomer meets the policy. */
  setCapacity(capacity: number): void {
    this.#capacity = capacity;
  }

  setFullPolicy(fullPolicy: FullPolicy): void {
    this.#fullPolicy = fullPolicy;
  }

  #insert(task: QueuedTask): number {
    this.#nextSeq = Math.max(this.#nextSeq, task.arrivalSeq + 1);
    this.#tasks.set(task.id, task);
    this.#lane(task).insert(task);
    const line = this.#classes[task.priority];
    const isLast = line.insert(task);
    return isLast ? line.length - 1 : line.indexOf(task.id);
  }

  #lane({ priority, modelKey }: QueuedTask): TaskLine {
    const lanes = this.#lanes[priority];
    const lane = lanes.get(modelKey) ?? new TaskLine();
    lanes.set(modelKey, lane);
    return lane;
  }

  /** Who leaves so that one more fits: nobody, as many as are over, or `null` when the newcomer is refused. */
  #victims(newcomer: Priority): readonly QueuedTask[] | null {
    const excess = this.len + 1 - this.#capacity;
    if (excess <= 0) return [];
    if (this.#fullPolicy === 'reject' || this.#capacity <= 0) return null;
    if (this.#fullPolicy === 'shed-low-priority') {
      return newcomer === 'interactive' && this.depth('batch') >= excess ? this.#classes.batch.oldest(excess) : null;
    }
    const batch = this.#classes.batch.oldest(excess);
    return [...batch, ...this.#classes.interactive.oldest(excess - batch.length)];
  }
}
