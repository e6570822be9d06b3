import { Type } from '@sinclair/typebox';
import { ERRORS, type ErrorCode } from './errors.js';
import { Ms, Nullable } from './scalars.js';

const envelope = {
  code: Type.Unsafe<ErrorCode>(Type.String({ enum: Object.keys(ERRORS) })),
  message: Type.String(),
  retriable: Type.Boolean(),
  hint: Type.Optional(Type.String()),
  field: Type.Optional(Type.String()),
  retry_after_ms: Type.Optional(Ms),
  policy_label: Type.Optional(Type.String()),
  pool_id: Type.Optional(Type.String()),
  engine: Type.Optional(Type.String()),
};

/** Body of every refusal of ours. [B-03] */
export const ErrorBody = Type.Object(envelope);

/** Body of every refusal on `/v1`: the same, as OpenAI clients read it. */
export const OpenAiError = Type.Object({
  error: Type.Object({
    ...envelope,
    type: Type.String({ enum: ['invalid_request_error', 'authentication_error', 'permission_error', 'rate_limit_error', 'server_error'] }),
    param: Nullable(Type.String()),
  }),
});
