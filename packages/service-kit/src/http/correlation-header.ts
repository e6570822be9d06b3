import { newId } from '../id.js';

export const CORRELATION_HEADER = 'X-Correlation-Id';

const ACCEPTED = /^[A-Za-z0-9._:-]{1,128}$/;

/** The caller's id when it is one that may be echoed, else a fresh UUIDv4. [B-01] */
export function correlationFor(sent: string | readonly string[] | undefined): string {
  return typeof sent === 'string' && ACCEPTED.test(sent) ? sent : newId();
}
