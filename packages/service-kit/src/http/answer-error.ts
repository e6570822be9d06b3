import { ApiError, ERRORS, type ErrorCode, type ErrorDetails } from '@corral/contracts';
import { isPlainObject } from '../config/pointer.js';

const LONGEST_QUOTE = 512;

/** A peer answered with a status and a body that are not of our API: a proxy, or something else on that port. */
export class UnexpectedAnswer extends Error {
  constructor(
    readonly peer: string,
    readonly status: number,
    text: string,
  ) {
    super(
      `${peer} answered ${status} with ${text === '' ? 'no body' : JSON.stringify(text.slice(0, LONGEST_QUOTE))}; check that the address is right`,
    );
    this.name = 'UnexpectedAnswer';
  }
}

/** The refusal in an answer as the error that the peer raised: same code, message and details. [B-03] */
export function answerError(peer: string, status: number, text: string): ApiError | UnexpectedAnswer {
  const envelope = envelopeIn(text);
  if (envelope === undefined) return new UnexpectedAnswer(peer, status, text);
  const { code, message, ...rest } = envelope;
  return new ApiError(code as ErrorCode, typeof message === 'string' ? message : String(code), detailsIn(rest));
}

function envelopeIn(text: string): Record<string, unknown> | undefined {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return undefined;
  }
  const envelope = isPlainObject(parsed) && isPlainObject(parsed['error']) ? parsed['error'] : parsed;
  return isPlainObject(envelope) && typeof envelope['code'] === 'string' && Object.hasOwn(ERRORS, envelope['code']) ? envelope : undefined;
}

function detailsIn(fields: Record<string, unknown>): ErrorDetails {
  const texts = ['hint', 'field', 'policy_label', 'pool_id', 'engine'].filter((name) => typeof fields[name] === 'string');
  const wait = fields['retry_after_ms'];
  return {
    ...Object.fromEntries(texts.map((name) => [name, fields[name]])),
    ...(typeof wait === 'number' ? { retry_after_ms: wait } : {}),
  };
}
