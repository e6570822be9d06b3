import { ApiError, type GenerateInput, type TaskRequest } from '@corral/contracts';
import { SAMPLING_DEFAULTS, unsetOf, type TaskSpec } from './task-spec.js';

export interface SpecIds {
  /** Used where the client gave none. */
  readonly taskId: string;
  /** 32 bits; used where the client gave none. [I-02] */
  readonly seed: number;
}

/** Body of `POST /v2/tasks` → task. Refuses what cannot be meant. [B-50] */
export function specOfTaskRequest(body: TaskRequest, ids: SpecIds): TaskSpec {
  const taskId = body.task_id ?? ids.taskId;
  return {
    taskId,
    modelRef: body.model_ref,
    input: inputOf(body),
    sampling: {
      temperature: body.temperature ?? SAMPLING_DEFAULTS.temperature,
      top_p: body.top_p ?? SAMPLING_DEFAULTS.top_p,
      top_k: body.top_k ?? SAMPLING_DEFAULTS.top_k,
      min_p: body.min_p ?? SAMPLING_DEFAULTS.min_p,
      repeat_penalty: body.repeat_penalty ?? SAMPLING_DEFAULTS.repeat_penalty,
      presence_penalty: body.presence_penalty ?? SAMPLING_DEFAULTS.presence_penalty,
      frequency_penalty: body.frequency_penalty ?? SAMPLING_DEFAULTS.frequency_penalty,
      seed: body.seed ?? ids.seed,
      stop: typeof body.stop === 'string' ? [body.stop] : (body.stop ?? SAMPLING_DEFAULTS.stop),
    },
    unset: unsetOf({ temperature: body.temperature, topP: body.top_p, topK: body.top_k, minP: body.min_p, maxTokens: body.max_tokens, stop: body.stop, seed: body.seed }),
    maxTokens: body.max_tokens ?? null,
    overflow: 'refuse',
    output: { dialect: 'task', stream: true, include_usage: true, id: taskId },
    priority: body.priority ?? null,
    placement: body.placement ?? null,
    requiredCtx: body.ctx ?? null,
    expectedTokens: body.expected_tokens ?? null,
    deadlineMs: deadlineOf(body.deadline_ms),
  };
}

/** One message to an instance → task; everything else is the instance's to set. [B-118] */
export function specOfInstanceChat(chat: { readonly modelRef: string; readonly message: string; readonly stream: boolean }, ids: SpecIds): TaskSpec {
  const asked = specOfTaskRequest({ model_ref: chat.modelRef, messages: [{ role: 'user', content: chat.message }] }, ids);
  return { ...asked, overflow: 'truncate', output: { ...asked.output, stream: chat.stream } };
}

function inputOf(body: TaskRequest): GenerateInput {
  if (body.prompt !== undefined && body.messages !== undefined) {
    throw new ApiError('INVALID_PARAMS', 'prompt and messages exclude each other; send one of them', { field: 'messages' });
  }
  if (body.prompt !== undefined) return { type: 'prompt', prompt: body.prompt };
  if (body.messages !== undefined) return { type: 'messages', messages: body.messages };
  throw new ApiError('INVALID_PARAMS', 'the task has no input; send prompt (raw text) or messages', { field: 'prompt' });
}

function deadlineOf(deadlineMs: number | undefined): number | null {
  if (deadlineMs !== undefined && deadlineMs <= 0) {
    throw new ApiError('DEADLINE_UNMET', `deadline_ms ${deadlineMs} is already over; send milliseconds from now, greater than 0`, { field: 'deadline_ms' });
  }
  return deadlineMs ?? null;
}
