import { ERRORS, isApiError, type ErrorCode } from '@corral/contracts';
import { messageOf, UnexpectedAnswer } from '@corral/service-kit';
import type { PublishOutcome } from '../event-bus.js';

/** Answers that say something about the event itself; everything else may pass, or an operator may mend it. */
const FINAL: ReadonlySet<ErrorCode> = new Set(['INVALID_PARAMS', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'METHOD_NOT_ALLOWED']);

/** What a request that failed means for the event it carried. [E-08] */
export function publishFailure(error: unknown): Exclude<PublishOutcome, { kind: 'confirmed' }> {
  const reason = messageOf(error);
  if (isApiError(error)) return { kind: FINAL.has(error.code) && !ERRORS[error.code].retriable ? 'refused' : 'unavailable', reason: `${error.code}: ${reason}` };
  if (error instanceof UnexpectedAnswer) return { kind: error.status === 400 || error.status === 413 ? 'refused' : 'unavailable', reason };
  return { kind: 'unavailable', reason };
}
