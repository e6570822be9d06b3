import type { ModelSpec, PreparationStep, Priority } from '@corral/contracts';
import type { PlacementOverrides } from '@corral/orchestrator-core';
import type { ResolvedInstance } from '../manifest/resolution.js';
import type { InstanceKey } from '../store/instance-rows.js';

/** Tasks that wait for one model: what the task loop tells the residency loop whenever it changes. */
export interface Demand {
  readonly modelKey: string;
  readonly model: ModelSpec;
  readonly instance: ResolvedInstance;
  /** The highest class among the waiting. */
  readonly priority: Priority;
  /** Arrival number of the oldest of them; lower is older. */
  readonly oldestArrivalSeq: number;
  /** How long the oldest has waited, milliseconds. */
  readonly waitingMs: number;
  readonly waitingTasks: number;
  /** Where the oldest of them may run. */
  readonly placement: PlacementOverrides | null;
}

/** An instance with tasks that run or wait. */
export interface ActiveInstance extends InstanceKey {
  /** Set for one that holds an earlier version of a model, as long as tasks of that are under way: what it holds. [F-05] */
  readonly heldFor?: ModelSpec;
}

/** What the task loop has on one replica. */
export interface ReplicaUse {
  readonly poolId: string;
  readonly replicaId: string;
  /** Tasks that run on it. */
  readonly leases: number;
  /** Tasks of its model that wait for one of its slots. */
  readonly queued: number;
}

/** How far a model is from being served, for tasks that wait for it. */
export interface ModelStatus {
  readonly state: 'resident' | 'loading' | 'fetching' | 'waiting' | 'failed' | 'impossible' | 'none';
  /** Why, in one sentence. */
  readonly message: string;
  readonly steps: readonly PreparationStep[];
  /** Until it is resident; `null` when nobody can tell. */
  readonly estimatedMs: number | null;
  /** How long it has been in this state. */
  readonly sinceMs: number;
  /** After a failure: until it is tried again; 0 when a request may try at once. */
  readonly retryAfterMs: number;
}
