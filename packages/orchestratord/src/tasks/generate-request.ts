import type { Deadlines, GenerateRequest } from '@corral/contracts';
import type { Task } from './task.js';

/** The task as its node and worker read it. */
export function generateRequestOf(task: Task, at: { readonly poolId: string; readonly replicaId: string }, deadlines: Deadlines, createdS: number): GenerateRequest {
  const { spec, target } = task;
  return {
    task_id: task.id,
    correlation_id: task.correlationId,
    replica_id: at.replicaId,
    prefix_scope: task.orgId,
    input: spec.input,
    sampling: spec.sampling,
    max_tokens: spec.maxTokens,
    overflow: spec.overflow,
    output: { ...spec.output, model: spec.modelRef, created_s: createdS },
    deadlines,
    annotations: { pool_id: at.poolId, ...(target.route === null ? {} : { route: target.route }) },
  };
}

/** The worker's own limits: what is left of the task's deadline bounds each of them. */
export function workerDeadlines(task: Task, nowMs: number, limits: { readonly firstTokenMs: number; readonly tokenGapMs: number }): Deadlines {
  const left = task.spec.deadlineMs === null ? null : Math.max(1, Math.round(task.arrivedMs + task.spec.deadlineMs - nowMs));
  return { first_token_ms: Math.min(limits.firstTokenMs, left ?? limits.firstTokenMs), token_gap_ms: limits.tokenGapMs, wall_ms: left };
}
