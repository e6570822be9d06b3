import type { ApiError } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';
import type { ActiveInstance, Demand, ModelStatus, ReplicaUse } from './demand.js';

/** What the task loop may say to and ask of the residency loop. */
export interface Residency {
  /**
   * Replaces what is known of waiting tasks, of the use of replicas, and of instances with tasks that run or wait.
   * Cheap; call it on every change. Planning happens afterwards, never inside the call.
   */
  update(demands: readonly Demand[], use: readonly ReplicaUse[], active: readonly ActiveInstance[]): void;
  /** Why a task of the instance is refused at once instead of waiting for a load; `null` where it may wait. [G-03] */
  refusalOf(instance: InstanceKey): ApiError | null;
  /** Called when an instance is taken from its place though tasks of it may wait, with what they are to be told. Must not throw. */
  onLeft(listener: (instance: InstanceKey, error: ApiError) => void): () => void;
  statusOf(modelKey: string): ModelStatus;
  /** True from the moment the replica was told to yield: it gets no new task. */
  isYielding(replicaId: string): boolean;
  /** Called when a status may have changed. The listener must not throw. Returns the end of the subscription. */
  onChange(listener: (modelKey: string) => void): () => void;
}
