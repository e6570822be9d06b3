import type { ReplicaStatus } from '@corral/contracts';
import type { Clock } from '@corral/service-kit';
import type { ModelStatus } from '../assignments/demand.js';
import type { Residency } from '../assignments/residency.js';
import type { ResolvedInstance } from '../manifest/resolution.js';
import type { Dispatcher } from './dispatcher.js';
import type { AnswerLimits } from './generate-request.js';
import type { QueuePolicy } from './pool-queues.js';
import type { TaskJournal } from './task-journal.js';
import type { ModelsPort, PoolsPort } from './task-ports.js';
import type { Task, TaskTarget } from './task.js';
import type { WaitLimits } from './wait-limits.js';

export interface TaskLimits extends WaitLimits, AnswerLimits {
  readonly maxSnapshotAgeMs: number;
  /** Dispatches of one task that may end before anything was shown. */
  readonly attemptsMax: number;
}

export interface TaskLoopParts {
  readonly pools: PoolsPort;
  readonly residency: Residency;
  readonly models: ModelsPort;
  readonly dispatcher: Dispatcher;
  readonly journal: TaskJournal;
  readonly clock: Clock;
  readonly limits: TaskLimits;
  queuePolicyOf(poolId: string): QueuePolicy;
  keyOf(replica: ReplicaStatus): string;
  /** Who holds the task's model in memory for it. */
  holderOf(target: TaskTarget): ResolvedInstance;
  /** The target by what is served now, where that is the same replica. */
  targetNow(target: TaskTarget): TaskTarget;
}

export type NewTask = Omit<Task, 'arrivalSeq' | 'arrivedMs' | 'createdS' | 'state' | 'tries' | 'loadingSinceMs' | 'loadedMs' | 'spentMs'>;

export interface Admitted {
  readonly queuePosition: number;
  readonly predictedStartMs: number;
  readonly residency: ModelStatus;
}
