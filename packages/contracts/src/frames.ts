import { Type, type Static } from '@sinclair/typebox';
import { ErrorBody } from './error-body.js';
import { FinishReason } from './generate.js';
import { Bytes, Count, Id, Ms, Nullable, Seed } from './scalars.js';

/** One step of getting a model ready, as `preparation` and `metrics.prep` show it. [B-51] */
export const PreparationStep = Type.Object({
  id: Type.String(),
  kind: Type.Union([Type.Literal('engine_provision'), Type.Literal('model_fetch'), Type.Literal('model_stage'), Type.Literal('pool_warmup')]),
  group: Type.String({ description: 'The model that the step is for.' }),
  description: Type.String(),
  estimated_ms: Nullable(Ms),
  bytes_total: Nullable(Bytes),
  bytes_done: Nullable(Bytes),
  status: Type.Union([Type.Literal('pending'), Type.Literal('running'), Type.Literal('completed'), Type.Literal('failed')]),
});
export type PreparationStep = Static<typeof PreparationStep>;

export const StartedFrame = Type.Object({
  task_id: Id,
  queue_position: Count,
  predicted_start_ms: Ms,
  seed: Seed,
});
export type StartedFrame = Static<typeof StartedFrame>;

/** One per sampled token; `t` is empty while text is held back for a whole character or a stop string. */
const TokenFrame = Type.Object({ t: Type.String(), i: Count });

/** Additive: a reader ignores what it does not know. */
export const MetricsFrame = Type.Object({
  queue_depth: Type.Optional(Count),
  queue_position: Type.Optional(Count),
  on_time_probability: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  kv_warmth: Type.Optional(Type.Boolean()),
  pool_id: Type.Optional(Id),
  replica_id: Type.Optional(Id),
  route: Type.Optional(Type.String({ description: '`<name>@<version>`.' })),
  waiting_for: Type.Optional(Type.String({ description: 'Why the task waits, in one sentence.' })),
  prep: Type.Optional(Type.Array(PreparationStep)),
  human: Type.Optional(Type.String()),
});
export type MetricsFrame = Static<typeof MetricsFrame>;

export const EndFrame = Type.Object({
  tokens_in: Type.Optional(Count),
  tokens_out: Count,
  decode_time_ms: Ms,
  decode_ms: Ms,
  finish_reason: FinishReason,
  canceled: Type.Optional(Type.Literal(true)),
  pool_id: Type.Optional(Id),
  route: Type.Optional(Type.String()),
});
export type EndFrame = Static<typeof EndFrame>;

/** Frames of a task's stream, by event name. Order: `started`, then `token` and `metrics`, then one `end` or `error`. [B-61 B-63] */
export const FRAMES = {
  started: StartedFrame,
  token: TokenFrame,
  metrics: MetricsFrame,
  end: EndFrame,
  error: ErrorBody,
} as const;

export type FrameType = keyof typeof FRAMES;
export type Frame = { [K in FrameType]: { readonly type: K } & Static<(typeof FRAMES)[K]> }[FrameType];

/** One frame as bytes of an event stream. JSON holds no raw newline, so one `data:` line is enough. */
export function encodeFrame({ type, ...data }: Frame): string {
  return `event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
}
