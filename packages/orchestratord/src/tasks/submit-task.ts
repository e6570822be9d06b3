import { ApiError, type ModelSpec } from '@corral/contracts';
import { checkLimits } from '@corral/orchestrator-core';
import { requireModel } from '../access/allowed-models.js';
import { withInstanceDefaults } from '../instances/with-instance-defaults.js';
import type { RequestPin } from '../manifest/binding-registry.js';
import type { Resolution } from '../manifest/resolution.js';
import type { Admitted, NewTask } from './task-loop-parts.js';
import type { TaskLoop } from './task-loop.js';
import type { TaskOutput } from './task-output.js';
import type { TaskSpec } from './task-spec.js';
import { placementOverridesOf } from '../manifest/placement-overrides.js';

export interface TaskCaller {
  readonly orgId: string;
  /** null without a key. */
  readonly keyId: string | null;
  /** Names that it may send as `model`; null = all. */
  readonly allowedModels: readonly string[] | null;
  readonly correlationId: string;
}

export interface SubmitParts {
  readonly loop: Pick<TaskLoop, 'submit'>;
  resolve(modelRef: string, orgId: string): Resolution;
  /** The task counts as accepted by these bindings until it ends. */
  accept(bindings: readonly string[]): RequestPin;
  /** Called for a task that was admitted: its instance is in use. */
  touch(instance: NewTask['target']['instance'], model: ModelSpec): void;
}

/** Resolves what the task names, lets its instance set what the client left out, refuses what can be known to fail without a tokenizer, and admits it. [A-77 B-53] */
export function submitTask(parts: SubmitParts, asked: TaskSpec, caller: TaskCaller, outputOf: (target: NewTask['target']) => TaskOutput): Admitted {
  const resolved = parts.resolve(asked.modelRef, caller.orgId);
  if (resolved.kind === 'not_found') throw new ApiError('NOT_FOUND', resolved.message, { field: fieldOf(asked) });
  if (resolved.kind === 'retired') throw new ApiError('MODEL_DEPRECATED', resolved.message, { field: fieldOf(asked) });
  const { model, modelKey, instance, route } = resolved;
  requireModel(caller.allowedModels, { orgId: caller.orgId, id: asked.modelRef, modelId: model.model_id }, fieldOf(asked));
  const spec = withInstanceDefaults(asked, resolved.defaults);
  refuseBeyondContext(spec, model.context);
  const target: NewTask['target'] = { model, modelKey, instance, route: route === null ? null : `${route.name}@${route.version}` };
  parts.touch(instance, model);
  const pin = parts.accept(resolved.bindings);
  const task: NewTask = {
    id: spec.taskId,
    orgId: caller.orgId,
    keyId: caller.keyId,
    correlationId: caller.correlationId,
    spec,
    target,
    priority: spec.priority ?? route?.priority ?? 'interactive',
    placement: spec.placement === null ? (route?.placement ?? null) : placementOverridesOf(spec.placement),
    output: outputOf(target),
    pin,
  };
  try {
    return parts.loop.submit(task);
  } catch (error) {
    pin.ended(true);
    throw error;
  }
}

function refuseBeyondContext(spec: TaskSpec, context: number): void {
  const refusal = checkLimits(
    {
      ...(spec.requiredCtx === null ? {} : { ctx: spec.requiredCtx }),
      ...(spec.maxTokens === null || spec.overflow === 'truncate' ? {} : { maxTokens: spec.maxTokens }),
      ...(spec.deadlineMs === null ? {} : { deadlineMs: spec.deadlineMs }),
    },
    { ctxMax: context, maxTokensOut: null, earliestStartMs: null },
  );
  if (refusal === null) return;
  throw new ApiError(refusal.kind === 'deadline_unmet' ? 'DEADLINE_UNMET' : 'INVALID_PARAMS', refusal.message, { field: WIRE_FIELDS[refusal.field] });
}

const WIRE_FIELDS = { ctx: 'ctx', maxTokens: 'max_tokens', deadlineMs: 'deadline_ms' } as const;

function fieldOf(spec: TaskSpec): string {
  return spec.output.dialect === 'task' ? 'model_ref' : 'model';
}
