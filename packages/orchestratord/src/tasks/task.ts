import type { ModelSpec, Priority } from '@corral/contracts';
import type { PlacementOverrides } from '@corral/orchestrator-core';
import type { RequestPin } from '../manifest/binding-registry.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import type { AnswerProgress } from './dispatcher.js';
import type { TaskOutput } from './task-output.js';
import type { TaskSpec } from './task-spec.js';
import type { Try } from './tries.js';

/** What a task's `model` named, once resolved: fixed for the life of the task. */
export interface TaskTarget {
  readonly model: ModelSpec;
  /** Identity of what must be resident. */
  readonly modelKey: string;
  readonly instance: ResolvedInstance;
  /** `<name>@<version>` where a route was named. */
  readonly route: string | null;
}

/** A task from admission to its end. Only the task book writes what is not readonly. */
export interface Task {
  readonly id: string;
  readonly orgId: string;
  /** Whose usage it counts as, within the org; null for a caller without a key. */
  readonly keyId: string | null;
  readonly correlationId: string;
  readonly spec: TaskSpec;
  /** Written anew where a changed definition means the same replica. */
  target: TaskTarget;
  readonly priority: Priority;
  readonly placement: PlacementOverrides | null;
  readonly output: TaskOutput;
  /** The versions that accepted it, which it gives back when it ends. [F-05] */
  readonly pin: RequestPin;
  readonly arrivalSeq: number;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  /** Unix seconds. */
  readonly createdS: number;
  state: TaskState;
  /** Since when its model is being fetched or loaded; null while it is not. */
  loadingSinceMs: number | null;
  /** Milliseconds spent on loads that are over. */
  loadedMs: number;
  /** Milliseconds that went to earlier tries, which no wait counts. */
  spentMs: number;
  /** Dispatches that a worker may have worked on and that ended before anything was shown. */
  tries: readonly Try[];
}

export type TaskState = { readonly at: 'queued'; readonly poolId: string } | RunningState | { readonly at: 'ended' };

export interface RunningState {
  readonly at: 'running';
  readonly nodeId: string;
  readonly poolId: string;
  readonly replicaId: string;
  /** Monotonic milliseconds. */
  readonly startedMs: number;
  /** Aborted when nobody wants the answer. */
  readonly stop: AbortController;
  /** Aborted when its node has lost it. */
  readonly lost: AbortController;
  readonly progress: AnswerProgress;
}
