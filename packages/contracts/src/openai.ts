import { Type, type Static } from '@sinclair/typebox';
import { Sampling } from './generate.js';
import { Count, ModelId, Nullable, Priority, Seed } from './scalars.js';
import { PlacementOverrides } from './tasks.js';

const { temperature, top_k, min_p, repeat_penalty, presence_penalty, frequency_penalty } = Sampling.properties;

const ContentPart = Type.Object({ type: Type.String(), text: Type.Optional(Type.String()) });
const MessageContent = Type.Union([Type.String(), Type.Array(ContentPart, { minItems: 1 }), Type.Null()]);

export const OpenAiMessage = Type.Object({ role: Type.String(), content: Type.Optional(MessageContent), name: Type.Optional(Type.String()) });
export type OpenAiMessage = Static<typeof OpenAiMessage>;

const shared = {
  model: ModelId,
  stream: Type.Optional(Nullable(Type.Boolean())),
  stream_options: Type.Optional(Nullable(Type.Object({ include_usage: Type.Optional(Type.Boolean()) }))),
  temperature: Type.Optional(Nullable(temperature)),
  top_p: Type.Optional(Nullable(Type.Number({ minimum: 0, maximum: 1 }))),
  n: Type.Optional(Nullable(Type.Integer({ minimum: 1, maximum: 128 }))),
  stop: Type.Optional(Nullable(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 16 })]))),
  seed: Type.Optional(Nullable(Type.Integer({ minimum: -9_007_199_254_740_991, maximum: 9_007_199_254_740_991 }))),
  presence_penalty: Type.Optional(Nullable(presence_penalty)),
  frequency_penalty: Type.Optional(Nullable(frequency_penalty)),
  user: Type.Optional(Nullable(Type.String())),
  top_k: Type.Optional(Nullable(top_k)),
  min_p: Type.Optional(Nullable(min_p)),
  repeat_penalty: Type.Optional(Nullable(repeat_penalty)),
  priority: Type.Optional(Nullable(Priority)),
  placement: Type.Optional(Nullable(PlacementOverrides)),
};

/** Body of `POST /v1/chat/completions`: OpenAI's fields that work here, and ours (`top_k`, `min_p`, `repeat_penalty`, `priority`, `placement`). */
export const ChatCompletionRequest = Type.Object({
  ...shared,
  messages: Type.Array(OpenAiMessage, { minItems: 1, maxItems: 2_048 }),
  max_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1 }))),
  max_completion_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1 }))),
}, { additionalProperties: false });
export type ChatCompletionRequest = Static<typeof ChatCompletionRequest>;

/** Body of `POST /v1/completions`. */
export const CompletionRequest = Type.Object({
  ...shared,
  prompt: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1, maxItems: 1 })]),
  max_tokens: Type.Optional(Nullable(Type.Integer({ minimum: 1 }))),
}, { additionalProperties: false });
export type CompletionRequest = Static<typeof CompletionRequest>;

/**
 * Fields of OpenAI that would change the meaning of an answer and do not work here: refused, never ignored.
 * The value is the one that asks for nothing and is let through.
 */
export const MEANINGFUL_UNSUPPORTED: Readonly<Record<string, readonly unknown[]>> = {
  tools: [null, []],
  tool_choice: [null, 'none', 'auto'],
  functions: [null, []],
  function_call: [null, 'none', 'auto'],
  parallel_tool_calls: [null, true, false],
  audio: [null],
  modalities: [null, ['text']],
  response_format: [null, { type: 'text' }],
  logprobs: [null, false],
  top_logprobs: [null, 0],
  logit_bias: [null, {}],
  best_of: [null, 1],
  echo: [null, false],
  suffix: [null, ''],
  prediction: [null],
  web_search_options: [null],
};

const Usage = Type.Object({ prompt_tokens: Count, completion_tokens: Count, total_tokens: Count });
const FinishReason = Nullable(Type.Union([Type.Literal('stop'), Type.Literal('length')]));

export const ChatCompletion = Type.Object({
  id: Type.String(),
  object: Type.Literal('chat.completion'),
  created: Count,
  model: Type.String(),
  choices: Type.Array(Type.Object({ index: Count, message: Type.Object({ role: Type.Literal('assistant'), content: Type.String() }), finish_reason: FinishReason })),
  usage: Usage,
});
export type ChatCompletion = Static<typeof ChatCompletion>;

export const Completion = Type.Object({
  id: Type.String(),
  object: Type.Literal('text_completion'),
  created: Count,
  model: Type.String(),
  choices: Type.Array(Type.Object({ index: Count, text: Type.String(), finish_reason: FinishReason, logprobs: Type.Null() })),
  usage: Type.Optional(Nullable(Usage)),
});

export const OpenAiModel = Type.Object({ id: Type.String(), object: Type.Literal('model'), created: Count, owned_by: Type.String() });
export const OpenAiModelList = Type.Object({ object: Type.Literal('list'), data: Type.Array(OpenAiModel) });
export type OpenAiModelList = Static<typeof OpenAiModelList>;

/** OpenAI's seed is any integer; ours is 32 bits. */
export function foldSeed(seed: number): Static<typeof Seed> {
  return Number(BigInt.asUintN(32, BigInt(seed)));
}
