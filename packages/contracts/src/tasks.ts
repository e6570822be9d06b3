import { Type, type Static } from '@sinclair/typebox';
import { ChatMessage, Sampling } from './generate.js';
import { PreparationStep } from './frames.js';
import { CorrelationId, Count, Id, ModelId, Ms, Nullable, Priority, Strict } from './scalars.js';

/** Where a caller wants a task to run; absent means `auto`. */
export const PlacementOverrides = Strict({
  mode: Type.Optional(Type.Union([Type.Literal('auto'), Type.Literal('prefer'), Type.Literal('pin')])),
  pin_pool_id: Type.Optional(Id),
  prefer_pools: Type.Optional(Type.Array(Id, { maxItems: 64 })),
  avoid_pools: Type.Optional(Type.Array(Id, { maxItems: 64 })),
  require_device_mask: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  node_id: Type.Optional(Id),
  allow_fallback: Type.Optional(Type.Boolean()),
});
export type PlacementOverrides = Static<typeof PlacementOverrides>;

const { temperature, top_p, top_k, min_p, repeat_penalty, presence_penalty, frequency_penalty, seed, stop } = Sampling.properties;

/** Body of `POST /v2/tasks`: `{model_ref, prompt, max_tokens}` is enough. [B-50] */
export const TaskRequest = Strict({
  task_id: Type.Optional(Id),
  workload: Type.Optional(Type.Literal('completion')),
  engine: Type.Optional(Type.Literal('llamacpp')),
  model_ref: ModelId,
  prompt: Type.Optional(Type.String({ minLength: 1 })),
  messages: Type.Optional(Type.Array(ChatMessage, { minItems: 1, maxItems: 2_048 })),
  ctx: Type.Optional(Type.Integer({ minimum: 1, description: 'Context that the task needs, tokens.' })),
  priority: Type.Optional(Priority),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  expected_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  deadline_ms: Type.Optional(Type.Integer({ description: 'From admission to the last token, ms.' })),
  temperature: Type.Optional(temperature),
  top_p: Type.Optional(top_p),
  top_k: Type.Optional(top_k),
  min_p: Type.Optional(min_p),
  repeat_penalty: Type.Optional(repeat_penalty),
  presence_penalty: Type.Optional(presence_penalty),
  frequency_penalty: Type.Optional(frequency_penalty),
  seed: Type.Optional(seed),
  stop: Type.Optional(Type.Union([Type.String({ minLength: 1 }), stop])),
  placement: Type.Optional(PlacementOverrides),
});
export type TaskRequest = Static<typeof TaskRequest>;

/** 202 of `POST /v2/tasks`. Stream addresses are relative: no address of a worker ever leaves. [B-51] */
export const TaskAccepted = Strict({
  task_id: Id,
  correlation_id: CorrelationId,
  queue_position: Count,
  predicted_start_ms: Ms,
  backoff_ms: Nullable(Ms),
  streams: Strict({ sse: Type.String(), sse_verbose: Type.String() }),
  preparation: Strict({ steps: Type.Array(PreparationStep) }),
});
export type TaskAccepted = Static<typeof TaskAccepted>;
