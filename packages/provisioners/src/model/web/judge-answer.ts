import type { ProvisionCode } from '../provision-error.js';
import type { ByteRange } from './byte-ranges.js';
import { byteCount, isSameFile, validatorOf } from './file-facts.js';
import type { FileFacts, Header, Validator } from './file-facts.js';
import { retryAfterMs } from './retry-after.js';

/** The part that was asked for, and what is known of the file it belongs to. */
export interface AskedPart {
  readonly range: ByteRange;
  readonly sizeBytes: number;
  readonly validator: Validator;
}

/** The beginning of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly header: Header;
}

/** What an answer to a GET means. Reasons are parts of a sentence that has the server as its subject. */
export type Verdict =
  | { readonly kind: 'whole'; readonly facts: FileFacts }
  | { readonly kind: 'part'; readonly range: ByteRange }
  /** It is not the file of which there are bytes already. */
  | { readonly kind: 'changed'; readonly reason: string }
  /** The same file, but from its beginning. */
  | { readonly kind: 'ranges_ignored' }
  | { readonly kind: 'try_later'; readonly reason: string; readonly afterMs: number | null }
  | { readonly kind: 'refused'; readonly code: ProvisionCode; readonly reason: string };

const LATER = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Decides what an answer means. Nothing of a part is taken that is not exactly what was asked, of the very same file. [D-51] */
export function judgeAnswer(head: AnswerHead, asked: AskedPart | null, nowMs: number): Verdict {
  const { status, header } = head;
  if (status === 200 || status === 206) {
    const encoding = header('content-encoding')?.trim().toLowerCase() ?? 'identity';
    if (encoding !== 'identity') return refused('FETCH_FAILED', `encodes the file as ${encoding} although it was asked not to`);
  }
  if (status === 200) return asked === null ? { kind: 'whole', facts: factsOf(header) } : judgeWhole(header, asked);
  if (status === 206) return asked === null ? later('answered with a part that nobody asked for') : judgePart(header, asked);
  if (status === 416 && asked !== null) return { kind: 'changed', reason: 'has no such part any longer' };
  if (status === 401 || status === 403) return refused('ACCESS_DENIED', `refuses with status ${status}`);
  if (status === 407) return refused('ACCESS_DENIED', 'is behind a proxy that wants a password (status 407)');
  if (status === 404 || status === 410) return refused('NOT_FOUND', `has no such file (status ${status})`);
  if (LATER.has(status)) return { ...later(`answered with status ${status}`), afterMs: retryAfterMs(header('retry-after'), nowMs) };
  return refused('FETCH_FAILED', `answered with status ${status}`);
}

function factsOf(header: Header): FileFacts {
  return {
    sizeBytes: byteCount(header('content-length')),
    validator: validatorOf(header),
    acceptsRanges: header('accept-ranges')?.trim().toLowerCase() === 'bytes',
  };
}

function judgeWhole(header: Header, { sizeBytes, validator }: AskedPart): Verdict {
  const found = factsOf(header).sizeBytes;
  if (found !== sizeBytes) return { kind: 'changed', reason: `has ${found ?? 'an unknown number of'} bytes instead of ${sizeBytes}` };
  // A server that compares dates answers with the whole file when they differ, and then shows the other one.
  return isSameFile(validator, header) === true ? { kind: 'ranges_ignored' } : { kind: 'changed', reason: 'has another version' };
}

function judgePart(header: Header, { range, sizeBytes, validator }: AskedPart): Verdict {
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/i.exec(header('content-range')?.trim() ?? '') ?? [];
  if (first === undefined || last === undefined) return later('answered with a part and did not say which');
  if (total !== '*' && Number(total) !== sizeBytes) return { kind: 'changed', reason: `has ${total} bytes instead of ${sizeBytes}` };
  const same = isSameFile(validator, header);
  if (same === false) return { kind: 'changed', reason: 'has another version' };
  // An answer to If-Range with a date need not repeat the date; an ETag must be there.
  if (same === null && validator.kind === 'etag') return later('answered with a part and did not say of which version');
  const [start, end] = [Number(first), Number(last) + 1];
  if (start !== range.start || end > range.end || end <= start)
    return later(`answered with the bytes ${start} to ${end - 1} instead of ${range.start} to ${range.end - 1}`);
  const length = byteCount(header('content-length'));
  if (length !== null && length !== end - start) return later(`announced ${length} bytes for a part of ${end - start}`);
  return { kind: 'part', range: { start, end } };
}

function later(reason: string): Extract<Verdict, { kind: 'try_later' }> {
  return { kind: 'try_later', reason, afterMs: null };
}

function refused(code: ProvisionCode, reason: string): Verdict {
  return { kind: 'refused', code, reason };
}
