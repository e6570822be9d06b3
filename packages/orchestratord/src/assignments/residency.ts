import type { Demand, ModelStatus, ReplicaUse } from './demand.js';

/** What the task loop may say to and ask of the residency loop. */
export interface Residency {
  /**
   * Replaces what is known of waiting tasks and of the use of replicas. Cheap; call it on every change.
   * Planning happens afterwards, never inside the call.
   */
  update(demands: readonly Demand[], use: readonly ReplicaUse[]): void;
  statusOf(modelKey: string): ModelStatus;
  /** True from the moment the replica was told to yield: it gets no new task. */
  isYielding(replicaId: string): boolean;
  /** Called when a status may have changed. The listener must not throw. Returns the end of the subscription. */
  onChange(listener: (modelKey: string) => void): () => void;
}
