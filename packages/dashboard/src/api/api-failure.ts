import type { ErrorEnvelope } from '@corral/contracts';

/** Why a call gave nothing, by what the operator can do about it. */
export type FailureKind = 'unreachable' | 'key_needed' | 'key_refused' | 'not_allowed' | 'refused';

export interface ApiFailure {
  readonly kind: FailureKind;
  readonly code: string | null;
  /** A sentence for the operator. */
  readonly message: string;
  /** The next step, where the server names one. */
  readonly hint: string | null;
  /** The part of the body that is at fault, where the server names one. */
  readonly field: string | null;
  readonly retryAfterMs: number | null;
  readonly correlationId: string | null;
}

/** The server said nothing that can be read: it is down, restarting, or something else answers in its place. */
export function unreachable(message: string): ApiFailure {
  return { kind: 'unreachable', code: null, message, hint: null, field: null, retryAfterMs: null, correlationId: null };
}

/** What a refusal of the server means for the page; `body` is whatever came. */
export function refusal(status: number, body: unknown, correlationId: string | null): ApiFailure {
  const told: Partial<ErrorEnvelope> = typeof body === 'object' && body !== null ? body : {};
  if (typeof told.message !== 'string') return { ...unreachable(`the server answered ${status} without saying why`), correlationId };
  return {
    kind: kindOf(status, told.code),
    code: told.code ?? null,
    message: told.message,
    hint: told.hint ?? null,
    field: told.field ?? null,
    retryAfterMs: told.retry_after_ms ?? null,
    correlationId,
  };
}

/** Whether somebody else changed what was to be changed, so that nothing was. [U-30] */
export function isConflict(failure: ApiFailure | null): boolean {
  return failure?.code === 'PRECONDITION_FAILED';
}

function kindOf(status: number, code: string | undefined): FailureKind {
  if (code === 'MISSING_TOKEN') return 'key_needed';
  if (status === 401) return 'key_refused';
  return status === 403 ? 'not_allowed' : 'refused';
}
