/** Every error a client can see, with its HTTP status. Adding a row here is the only way to add a code. [B.5] */
export const ERRORS = {
  INVALID_PARAMS: { status: 400, retriable: false, meaning: 'The input is wrong; `field` names where.' },
  CONTEXT_LENGTH_EXCEEDED: { status: 400, retriable: false, meaning: 'The prompt, or the prompt plus max_tokens, does not fit the context of the model.' },
  DEADLINE_UNMET: { status: 400, retriable: false, meaning: 'The deadline cannot be met.' },
  UNTRUSTED_ARTIFACT: { status: 400, retriable: false, meaning: 'A strict trust policy refused an unsigned artifact.' },
  MISSING_TOKEN: { status: 401, retriable: false, meaning: 'A token is needed.' },
  BAD_TOKEN: { status: 401, retriable: false, meaning: 'The token is not one that this server accepts.' },
  NON_LOOPBACK_WITHOUT_TOKEN: { status: 403, retriable: false, meaning: 'A caller beyond loopback needs a configured token.' },
  ORG_ACCESS_DENIED: { status: 403, retriable: false, meaning: 'The thing belongs to another organisation.' },
  ROLE_REQUIRED: { status: 403, retriable: false, meaning: 'The key lacks the role that the call needs.' },
  MODEL_NOT_ALLOWED: { status: 403, retriable: false, meaning: 'The key may not use this model.' },
  NOT_FOUND: { status: 404, retriable: false, meaning: 'Nothing has that name.' },
  METHOD_NOT_ALLOWED: { status: 405, retriable: false, meaning: 'The path exists, the method does not.' },
  CONFLICT: { status: 409, retriable: false, meaning: 'Another operation is running, the id is taken, or a change was taken back; the message says which.' },
  MODEL_IN_USE: { status: 409, retriable: false, meaning: 'The model is loaded, staged or pinned.' },
  GONE: { status: 410, retriable: false, meaning: 'The thing was deleted.' },
  ENGINE_IN_USE: { status: 409, retriable: false, meaning: 'The engine bundle runs replicas, or is chosen to.' },
  ENGINE_UNUSABLE: { status: 409, retriable: false, meaning: 'The engine bundle could not be prepared, or failed its probe or its first replica; what served before serves on.' },
  PRECONDITION_FAILED: { status: 412, retriable: false, meaning: 'The version in If-Match is not the current one.' },
  PAYLOAD_TOO_LARGE: { status: 413, retriable: false, meaning: 'The body is larger than the limit.' },
  STAGE_TOO_LARGE: { status: 413, retriable: false, meaning: 'The model is larger than the staging area.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, retriable: false, meaning: 'The body is not UTF-8 JSON.' },
  ADMISSION_REJECT: { status: 429, retriable: true, meaning: 'The queue is full or a budget is spent; `policy_label` says which.' },
  QUEUE_FULL_DROP_LRU: { status: 429, retriable: true, meaning: 'A newer task took the place in the queue.' },
  RATE_LIMITED: { status: 429, retriable: true, meaning: 'The key sends more than its limit.' },
  INTERNAL: { status: 500, retriable: false, meaning: 'A defect of the server; the log has the correlation id.' },
  RELOAD_FAILED: { status: 500, retriable: false, meaning: 'The manifest could not be reloaded; the one before goes on serving. `error_kind` and `problems` say why.' },
  INSTANCE_NOT_LOADED: { status: 503, retriable: true, meaning: 'The instance is not resident; load it first.' },
  POOL_UNREADY: { status: 503, retriable: true, meaning: 'No pool is ready; the message says why.' },
  POOL_UNAVAILABLE: { status: 503, retriable: true, meaning: 'No pool can serve this model; the message has the reason and the numbers.' },
  REPLICA_EXHAUSTED: { status: 503, retriable: true, meaning: 'Every slot of the replica is taken.' },
  MODEL_NOT_AVAILABLE: { status: 503, retriable: true, meaning: 'The model could not be fetched or loaded; the message has the reason.' },
  MODEL_DEPRECATED: { status: 503, retriable: false, meaning: 'The model is retired.' },
  NODE_UNAVAILABLE: { status: 503, retriable: true, meaning: 'The node is unknown or offline.' },
  EVENT_BUS_UNAVAILABLE: { status: 503, retriable: true, meaning: 'The event could not be published; nothing has changed.' },
  LOAD_TIMEOUT: { status: 503, retriable: true, meaning: 'The model is still loading; the load goes on.' },
  QUEUE_TIMEOUT: { status: 503, retriable: true, meaning: 'The task waited in the queue for longer than its limit.' },
  FIRST_TOKEN_TIMEOUT: { status: 503, retriable: true, meaning: 'The first token did not come within its limit.' },
  DECODE_TIMEOUT: { status: 503, retriable: true, meaning: 'The next token did not come within its limit.' },
  WORKER_RESET: { status: 503, retriable: true, meaning: 'The engine worker went away while it answered.' },
  SHUTTING_DOWN: { status: 503, retriable: true, meaning: 'The daemon is stopping.' },
} as const satisfies Record<string, { status: number; retriable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  /** The next step for whoever reads the error. */
  readonly hint?: string;
  /** Where in the input: a JSON field, dotted. */
  readonly field?: string;
  readonly retry_after_ms?: number;
  readonly policy_label?: string;
  readonly pool_id?: string;
  readonly engine?: string;
}

/** The one wire shape of a failure: HTTP bodies and SSE `error` frames both carry it. [B-03] */
export interface ErrorEnvelope extends ErrorDetails {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retriable: boolean;
}

const brand = Symbol.for('corral.api-error');

/** A failure that is part of the API contract. Anything else that is thrown is a defect and becomes INTERNAL. */
export class ApiError extends Error {
  readonly [brand] = true;

  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly details: ErrorDetails = {},
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'ApiError';
  }
}

/** By brand, not `instanceof`: two copies of this module must still agree. */
export function isApiError(error: unknown): error is ApiError {
  return typeof error === 'object' && error !== null && brand in error;
}

/** Renders any failure as the wire shape; what is not an ApiError leaks nothing. */
export function toEnvelope(error: unknown): ErrorEnvelope {
  if (!isApiError(error)) {
    return { code: 'INTERNAL', message: 'internal error; look for the correlation id in the log', retriable: ERRORS.INTERNAL.retriable };
  }
  return { code: error.code, message: error.message, retriable: ERRORS[error.code].retriable, ...error.details };
}

export interface HttpFailure<Body> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/** The HTTP answer to a failure: status, `Retry-After` (whole seconds, at least 1), `X-Backoff-Ms`, body. [B-54] */
export function toHttp(error: unknown): HttpFailure<ErrorEnvelope> {
  const body = toEnvelope(error);
  const headers: Record<string, string> = {};
  if (body.retry_after_ms !== undefined) {
    headers['Retry-After'] = String(Math.max(1, Math.ceil(body.retry_after_ms / 1_000)));
    headers['X-Backoff-Ms'] = String(body.retry_after_ms);
  }
  return { status: ERRORS[body.code].status, headers, body };
}

export type OpenAiErrorType = 'invalid_request_error' | 'authentication_error' | 'permission_error' | 'rate_limit_error' | 'server_error';

export interface OpenAiErrorBody {
  readonly error: ErrorEnvelope & { readonly type: OpenAiErrorType; readonly param: string | null };
}

/** The same envelope in the shape that OpenAI clients read; `code` stays ours. */
export function toOpenAiError(envelope: ErrorEnvelope): OpenAiErrorBody {
  return { error: { ...envelope, type: openAiType(ERRORS[envelope.code].status), param: envelope.field ?? null } };
}

function openAiType(status: number): OpenAiErrorType {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}
