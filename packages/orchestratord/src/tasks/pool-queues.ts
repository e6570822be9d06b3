import { TaskQueue, type FullPolicy, type QueueAdmission, type QueuedTask } from '@corral/orchestrator-core';
import type { Priority } from '@corral/contracts';

export interface QueuePolicy {
  readonly capacity: number;
  readonly fullPolicy: FullPolicy;
}

/** The queues of all pools: each counted by itself, looked at together. [A-70 G-06] */
export class PoolQueues {
  readonly #queues = new Map<string, TaskQueue>();

  constructor(private readonly policyOf: (poolId: string) => QueuePolicy) {}

  /** The policies have changed: a queue that is too long now evicts nobody, and the next newcomer meets the policy. */
  applyPolicies(): void {
    for (const [poolId, queue] of this.#queues) {
      const { capacity, fullPolicy } = this.policyOf(poolId);
      queue.setCapacity(capacity);
      queue.setFullPolicy(fullPolicy);
    }
  }

  enqueue(poolId: string, entry: QueuedTask): QueueAdmission {
    return this.#queue(poolId).enqueue(entry);
  }

  /** Puts a task back that was taken before: it keeps its place by arrival and is never refused. */
  restore(poolId: string, entry: QueuedTask): void {
    this.#queue(poolId).restore(entry);
  }

  remove(poolId: string, id: string): boolean {
    return this.#queues.get(poolId)?.cancel(id) ?? false;
  }

  positionOf(poolId: string, id: string): number | null {
    return this.#queues.get(poolId)?.position(id) ?? null;
  }

  depth(poolId: string, priority: Priority): number {
    return this.#queues.get(poolId)?.depth(priority) ?? 0;
  }

  lengthOf(poolId: string): number {
    return this.#queues.get(poolId)?.len ?? 0;
  }

  /** Tasks of any class that go before this one. */
  ahead(poolId: string, id: string): number {
    return this.#queues.get(poolId)?.ahead(id) ?? 0;
  }

  /** The oldest task of each (class, model) of every pool, interactive first, then by arrival. */
  heads(): readonly QueuedTask[] {
    const all = [...this.#queues.values()].flatMap((queue) => queue.heads());
    return all.sort((a, b) => rank(a.priority) - rank(b.priority) || a.arrivalSeq - b.arrivalSeq);
  }

  get length(): number {
    return [...this.#queues.values()].reduce((n, queue) => n + queue.len, 0);
  }

  #queue(poolId: string): TaskQueue {
    let queue = this.#queues.get(poolId);
    if (queue === undefined) {
      queue = new TaskQueue(this.policyOf(poolId));
      this.#queues.set(poolId, queue);
    }
    return queue;
  }
}

const rank = (priority: Priority): number => (priority === 'interactive' ? 0 : 1);
