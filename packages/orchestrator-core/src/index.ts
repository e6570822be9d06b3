export { checkLimits, type LimitedTask, type LimitRefusal, type TaskLimits } from './admission/check-limits.js';
export { predictStartMs, type StartHints } from './admission/predict-start-ms.js';
export { PRIORITIES, type Priority } from './admission/priority.js';
export type { QueuedTask } from './admission/task-line.js';
export { TaskQueue, type FullPolicy, type QueueAdmission } from './admission/task-queue.js';
export { decide } from './placement/decide.js';
export { FILTERS } from './placement/filters.js';
export type { DecisionLog, FilterName, NoCapacityReason, PlacementDecision } from './placement/placement-decision.js';
export type { JobSpec, PlacementInput, PlacementOverrides, PoolSnapshot, ReplicaSnapshot } from './placement/placement-input.js';
export { TIE_BREAKERS } from './placement/tie-breakers.js';
export { planResidency } from './residency/plan-residency.js';
export { oldestWaiter, planWaiters, type WaitingModel } from './residency/plan-waiters.js';
export type {
  ResidencyInput,
  ResidencyNode,
  ResidencyPolicy,
  ResidencyPool,
  ResidencyReplica,
  WantedModel,
} from './residency/residency-input.js';
export type { ResidencyPlan } from './residency/residency-plan.js';
