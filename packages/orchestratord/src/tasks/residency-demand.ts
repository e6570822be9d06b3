import type { ReplicaStatus } from '@corral/contracts';
import type { QueuedTask } from '@corral/orchestrator-core';
import type { Leases } from './leases.js';
import type { Task, TaskTarget } from './task.js';
import type { ActiveInstance, Demand, ReplicaUse } from '../assignments/demand.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import type { PoolView } from '../nodes/node-view.js';

type HolderOf = (target: TaskTarget) => ResolvedInstance;

/** Instances with tasks that run or wait, and who holds a model for tasks of an earlier version of it. */
export function activeOf(tasks: Iterable<Task>, holderOf: HolderOf): ActiveInstance[] {
  return [...tasks].flatMap(({ target }): ActiveInstance[] => {
    const holder = holderOf(target);
    return holder === target.instance ? [holder] : [target.instance, { ...holder, heldFor: target.model }];
  });
}

/** Every model that tasks wait for, oldest first: what residency decides by. */
export function demandsOf(queued: Iterable<Task>, nowMs: number, holderOf: HolderOf): Demand[] {
  const byModel = new Map<string, Task[]>();
  for (const task of queued) {
    const { modelKey } = task.target;
    const tasks = byModel.get(modelKey) ?? [];
    tasks.push(task);
    byModel.set(modelKey, tasks);
  }
  return [...byModel.values()].map((tasks) => demandOf(tasks, nowMs, holderOf)).sort((a, b) => a.oldestArrivalSeq - b.oldestArrivalSeq);
}

/** The oldest of the higher class speaks for the model: class and arrival belong to the same task. */
function demandOf(tasks: readonly Task[], nowMs: number, holderOf: HolderOf): Demand {
  const priority = tasks.some((task) => task.priority === 'interactive') ? 'interactive' : 'batch';
  const oldest = tasks.filter((task) => task.priority === priority).reduce((a, b) => (b.arrivalSeq < a.arrivalSeq ? b : a));
  return {
    modelKey: oldest.target.modelKey,
    model: oldest.target.model,
    instance: holderOf(oldest.target),
    priority,
    oldestArrivalSeq: oldest.arrivalSeq,
    waitingMs: Math.max(0, Math.round(nowMs - oldest.arrivedMs)),
    waitingTasks: tasks.length,
    placement: oldest.placement,
  };
}

/** What keeps each replica busy: its leases, and the tasks that wait for its model. */
export function usesOf(pools: readonly PoolView[], leases: Leases, waiting: readonly Demand[], keyOf: (replica: ReplicaStatus) => string): ReplicaUse[] {
  const queued = new Map(waiting.map((demand) => [demand.modelKey, demand.waitingTasks]));
  return pools.flatMap(({ status }) =>
    status.replicas.map((replica) => ({
      poolId: status.pool_id,
      replicaId: replica.replica_id,
      leases: leases.ofReplica(replica.replica_id),
      queued: queued.get(keyOf(replica)) ?? 0,
    })),
  );
}

export function entryOf(task: Task): QueuedTask {
  return { id: task.id, priority: task.priority, modelKey: task.target.modelKey, arrivalSeq: task.arrivalSeq };
}
