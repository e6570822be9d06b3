import { compareText } from '../compare-text.js';
import { PRIORITIES, type Priority } from './priority.js';

/** A task that waits. `arrivalSeq` grows with every arrival. */
export interface QueuedTask {
  readonly id: string;
  readonly priority: Priority;
  readonly modelKey: string;
  readonly arrivalSeq: number;
}

/** The order of waiting tasks: class, then arrival, then id by code unit. Total over distinct ids. */
export function compareTasks(a: QueuedTask, b: QueuedTask): number {
  return PRIORITIES.indexOf(a.priority) - PRIORITIES.indexOf(b.priority) || a.arrivalSeq - b.arrivalSeq || compareText(a.id, b.id);
}

interface Link {
  readonly task: QueuedTask;
  before: Link | null;
  after: Link | null;
}

/** A line of tasks in their order, from which one may leave anywhere. Ids are unique in it. */
export class TaskLine {
  readonly #links = new Map<string, Link>();
  #head: Link | null = null;
  #tail: Link | null = null;

  get length(): number {
    return this.#links.size;
  }

  get first(): QueuedTask | null {
    return this.#head?.task ?? null;
  }

  /** Puts a task where it belongs, looking from the end; `true` when that is the end. */
  insert(task: QueuedTask): boolean {
    let before = this.#tail;
    while (before !== null && compareTasks(before.task, task) > 0) before = before.before;
    const after = before === null ? this.#head : before.after;
    const link: Link = { task, before, after };
    this.#links.set(task.id, link);
    this.#join(before, link);
    this.#join(link, after);
    return after === null;
  }

  remove(id: string): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#links.delete(id);
    this.#join(link.before, link.after);
  }

  /** Tasks before this one, or the length of the line when it is not in it. */
  indexOf(id: string): number {
    let index = 0;
    for (const task of this) {
      if (task.id === id) return index;
      index += 1;
    }
    return index;
  }

  /** The first `count` tasks, or all when there are fewer. */
  oldest(count: number): readonly QueuedTask[] {
    const tasks: QueuedTask[] = [];
    for (let link = this.#head; link !== null && tasks.length < count; link = link.after) tasks.push(link.task);
    return tasks;
  }

  *[Symbol.iterator](): Generator<QueuedTask> {
    for (let link = this.#head; link !== null; link = link.after) yield link.task;
  }

  /** Makes two links neighbours; `null` is the end of the line on that side. */
  #join(before: Link | null, after: Link | null): void {
    if (before === null) this.#head = after;
    else before.after = after;
    if (after === null) this.#tail = before;
    else after.before = before;
  }
}
