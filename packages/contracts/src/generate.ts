import { Type, type Static } from '@sinclair/typebox';
import { CorrelationId, Count, Id, ModelId, Ms, Nullable, Seed, Strict } from './scalars.js';

const ChatRole = Type.Union([Type.Literal('system'), Type.Literal('user'), Type.Literal('assistant')]);

/** One message after the edge has flattened a client's content parts into text. */
export const ChatMessage = Strict({ role: ChatRole, content: Type.String() });
export type ChatMessage = Static<typeof ChatMessage>;

/** `prompt` is raw text without a chat template; `messages` go through the model's. */
export const GenerateInput = Type.Union([
  Strict({ type: Type.Literal('prompt'), prompt: Type.String() }),
  Strict({ type: Type.Literal('messages'), messages: Type.Array(ChatMessage, { minItems: 1 }) }),
]);
export type GenerateInput = Static<typeof GenerateInput>;

/** Every value is present: defaults are applied at the edge, so that a log or a replay shows what really ran. */
export const Sampling = Strict({
  temperature: Type.Number({ minimum: 0, maximum: 2 }),
  top_p: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
  top_k: Type.Integer({ minimum: 0, description: '0 = all.' }),
  min_p: Type.Number({ minimum: 0, maximum: 1 }),
  repeat_penalty: Type.Number({ minimum: 0.1, maximum: 2, description: '1 = off.' }),
  presence_penalty: Type.Number({ minimum: -2, maximum: 2 }),
  frequency_penalty: Type.Number({ minimum: -2, maximum: 2 }),
  seed: Seed,
  stop: Type.Array(Type.String({ minLength: 1 }), { maxItems: 16 }),
});
export type Sampling = Static<typeof Sampling>;

/** How the worker writes the answer, so that no hop after it rewrites a token. */
export const OutputFormat = Strict({
  dialect: Type.Union([Type.Literal('task'), Type.Literal('openai_chat'), Type.Literal('openai_completion')]),
  stream: Type.Boolean(),
  include_usage: Type.Boolean({ description: 'OpenAI `stream_options.include_usage`.' }),
  id: Type.String({ description: 'The `id` of the answer, such as `chatcmpl-…` or the task id.' }),
  model: ModelId,
  created_s: Type.Integer({ minimum: 0, description: 'Unix seconds.' }),
});
export type OutputFormat = Static<typeof OutputFormat>;

export const Deadlines = Strict({
  first_token_ms: Nullable(Ms),
  token_gap_ms: Nullable(Ms),
  wall_ms: Nullable(Ms),
});
export type Deadlines = Static<typeof Deadlines>;

/**
 * One generation, as orchestratord sends it to a node and the node passes it, unread but for
 * `replica_id`, to the engine worker.
 */
export const GenerateRequest = Strict({
  task_id: Id,
  correlation_id: CorrelationId,
  replica_id: Id,
  prefix_scope: Type.String({ minLength: 1, maxLength: 256, description: 'The beginning of a prompt that a slot holds is reused within one scope only: the org.' }),
  input: GenerateInput,
  sampling: Sampling,
  max_tokens: Nullable(Type.Integer({ minimum: 1, description: 'null = the rest of the context.' })),
  overflow: Type.Union([Type.Literal('refuse'), Type.Literal('truncate')], {
    description: 'What a max_tokens beyond the rest of the context means: refuse (`/v2`), or end there with `length` (`/v1`).',
  }),
  output: OutputFormat,
  deadlines: Deadlines,
  annotations: Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean()]), {
    description: 'Copied into the `end` frame of the task dialect, such as `pool_id` and `route`.',
  }),
});
export type GenerateRequest = Static<typeof GenerateRequest>;

export const FinishReason = Type.Union([Type.Literal('stop'), Type.Literal('length'), Type.Literal('canceled')]);
export type FinishReason = Static<typeof FinishReason>;

/**
 * What an answer cost. The worker sends it as the HTTP trailer `x-corral-usage` (JSON), so that
 * no hop has to parse the body.
 */
export const GenerateUsage = Strict({
  tokens_in: Count,
  tokens_cached: Type.Integer({ minimum: 0, description: 'Prompt tokens whose KV state was reused.' }),
  tokens_out: Count,
  first_token_ms: Nullable(Ms),
  decode_time_ms: Ms,
  finish_reason: FinishReason,
});
export type GenerateUsage = Static<typeof GenerateUsage>;

/** The trailer that carries {@link GenerateUsage} on every answer that ran. */
export const USAGE_TRAILER = 'x-corral-usage';

/** The trailer of a stream that its worker ended with an error frame: the code, since no hop reads frames. */
export const FAILURE_TRAILER = 'x-corral-failure';
