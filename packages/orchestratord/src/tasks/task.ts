import type { ModelSpec, Priority } from '@corral/contracts';
import type { PlacementOverrides } from '@corral/orchestrator-core';
import type { ResolvedInstance } from '../manifest/resolution.js';
import type { AnswerProgress } from './dispatcher.js';
import type { TaskOutput } from './task-output.js';
import type { TaskSpec } from './task-spec.js';

/** What a task's `model` named, once resolved: fixed for the life of the task. */
export interface TaskTarget {
  readonly model: ModelSpec;
  /** Identity of what must be resident. */
  readonly modelKey: string;
  readonly instance: ResolvedInstance;
  /** `<name>@<version>` where a route was named. */
  readonly route: string | null;
}

/** A task from admission to its end. Only the task loop writes what is not readonly. */
export interface Task {
  readonly id: string;
  readonly orgId: string;
  readonly correlationId: string;
  readonly spec: TaskSpec;
  readonly target: TaskTarget;
  readonly priority: Priority;
  readonly placement: PlacementOverrides | null;
  readonly output: TaskOutput;
  readonly arrivalSeq: number;
  /** Monotonic milliseconds. */
  readonly arrivedMs: number;
  state: TaskState;
  /** Since when its model is being fetched or loaded; null while it is not. */
  loadingSinceMs: number | null;
  /** Milliseconds spent on loads that are over. */
  loadedMs: number;
  /** Dispatches that ended before the first byte; each was placed again. */
  attempts: number;
}

export type TaskState =
  | { readonly at: 'queued'; readonly poolId: string }
  | { readonly at: 'running'; readonly poolId: string; readonly replicaId: string; readonly startedMs: number; readonly stop: AbortController; readonly progress: AnswerProgress }
  | { readonly at: 'ended' };
