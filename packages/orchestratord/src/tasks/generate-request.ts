import type { Deadlines, GenerateRequest } from '@corral/contracts';
import type { Task } from './task.js';

/** The task as its node and worker read it. */
export function generateRequestOf(task: Task, at: { readonly poolId: string; readonly replicaId: string }, deadlines: Deadlines): GenerateRequest {
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
    output: { ...spec.output, model: spec.modelRef, created_s: task.createdS },
    deadlines,
    annotations: { pool_id: at.poolId, ...(target.route === null ? {} : { route: target.route }) },
  };
}

/** How long an answer may take, milliseconds. */
export interface AnswerLimits {
  readonly firstTokenMs: number;
  /** Between two tokens. */
  readonly tokenGapMs: number;
  /** From dispatch to the last token. */
  readonly wallMs: number;
}

/** The worker's own limits: what is left of the task's deadline bounds each of them. */
export function workerDeadlines(task: Task, nowMs: number, { firstTokenMs, tokenGapMs, wallMs }: AnswerLimits): Deadlines {
  const leftMs = task.spec.deadlineMs === null ? wallMs : Math.max(1, Math.round(task.arrivedMs + task.spec.deadlineMs - nowMs));
  return { first_token_ms: Math.min(firstTokenMs, leftMs), token_gap_ms: tokenGapMs, wall_ms: Math.min(wallMs, leftMs) };
}
