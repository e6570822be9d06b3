import { ApiError, ERRORS, type ErrorCode, type ErrorEnvelope } from '@corral/contracts';
import type { DispatchOutcome } from './dispatcher.js';

/** Refusals of a node that another replica, or the same one a moment later, may not repeat. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set(['REPLICA_EXHAUSTED', 'POOL_UNREADY', 'NOT_FOUND', 'WORKER_RESET', 'SHUTTING_DOWN']);

/** What a node that did not begin to answer means. Only a worker that went away had the task: the others never saw it. */
export function refusalOfNode(status: number, body: string): Extract<DispatchOutcome, { kind: 'failed' }> {
  const error = errorOf(status, body);
  const placeAgain = WORTH_ANOTHER.has(error.code);
  const attempted = !placeAgain || error.code === 'WORKER_RESET';
  return { kind: 'failed', placeAgain, attempted, error: error.code === 'NOT_FOUND' ? new ApiError('WORKER_RESET', `the replica has gone: ${error.message}`, { retry_after_ms: 1_000 }) : error };
}

/** The failure that a worker wrote into its stream, from its trailer. */
export function failureOf(trailer: string): ApiError {
  return new ApiError(isCode(trailer) ? trailer : 'INTERNAL', 'the worker ended the answer with this error');
}

/** A refusal is our envelope, under `error` where the worker wrote it for a client of OpenAI; anything else is a fault on the way. */
function errorOf(status: number, body: string): ApiError {
  const { code, message, hint, field, retry_after_ms, policy_label } = envelopeIn(body);
  if (code === undefined || message === undefined || !isCode(code)) {
    return new ApiError('WORKER_RESET', `the node answered ${status} without a reason; look at its log`);
  }
  const details = { hint, field, retry_after_ms, policy_label };
  return new ApiError(code, message, Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined)));
}

function isCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

function envelopeIn(body: string): Partial<ErrorEnvelope> {
  try {
    const parsed = JSON.parse(body) as { readonly error?: Partial<ErrorEnvelope> } & Partial<ErrorEnvelope>;
    return parsed.error ?? parsed;
  } catch {
    return {};
  }
}
