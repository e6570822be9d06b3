import { describe, expect, test } from '@jest/globals';
import { judgeAnswer } from './judge-answer.js';
import type { AskedPart } from './judge-answer.js';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const DATE = 'Thu, 01 Jan 2026 00:00:00 GMT';
const asked: AskedPart = { range: { start: 10, end: 30 }, sizeBytes: 100, validator: { kind: 'etag', value: '"a"' } };
const byDate: AskedPart = { ...asked, validator: { kind: 'date', value: DATE } };

function judge(status: number, headers: Readonly<Record<string, string>>, part: AskedPart | null = asked) {
  return judgeAnswer({ status, header: (name) => headers[name] ?? null }, part, NOW_MS);
}

describe('D-51 an answer to a request for a part', () => {
  const good = { 'content-range': 'bytes 10-29/100', etag: '"a"', 'content-length': '20' };
  test.each<[string, number, Record<string, string>, object, AskedPart?]>([
    ['is taken when it is that part of that file', 206, good, { kind: 'part', range: { start: 10, end: 30 } }],
    ['may be shorter', 206, { 'content-range': 'bytes 10-10/100', etag: '"a"' }, { kind: 'part', range: { start: 10, end: 11 } }],
    ['may leave the date out', 206, { 'content-range': 'bytes 10-29/*' }, { kind: 'part', range: { start: 10, end: 30 } }, byDate],
    ['of another version', 206, { ...good, etag: '"b"' }, { kind: 'changed', reason: 'has another version' }],
    ['of another date', 206, { ...good, 'last-modified': 'Fri, 02 Jan 2026 00:00:00 GMT' }, { kind: 'changed', reason: 'has another version' }, byDate],
    ['of another size', 206, { ...good, 'content-range': 'bytes 10-29/99' }, { kind: 'changed', reason: 'has 99 bytes instead of 100' }],
    ['of no version', 206, { 'content-range': 'bytes 10-29/100' }, { kind: 'try_later', reason: expect.stringContaining('which version'), afterMs: null }],
    ['that begins elsewhere', 206, { ...good, 'content-range': 'bytes 9-29/100' }, { kind: 'try_later', reason: 'answered with the bytes 9 to 29 instead of 10 to 29', afterMs: null }],
    ['that is longer', 206, { ...good, 'content-range': 'bytes 10-30/100' }, { kind: 'try_later', reason: expect.stringContaining('10 to 30'), afterMs: null }],
    ['that is none', 206, { ...good, 'content-range': 'bytes */100' }, { kind: 'try_later', reason: expect.stringContaining('which'), afterMs: null }],
    ['with another length', 206, { ...good, 'content-length': '21' }, { kind: 'try_later', reason: 'announced 21 bytes for a part of 20', afterMs: null }],
    ['with the whole of the same file', 200, { etag: '"a"', 'content-length': '100' }, { kind: 'ranges_ignored' }],
    ['with the whole of another', 200, { etag: '"b"', 'content-length': '100' }, { kind: 'changed', reason: 'has another version' }],
    ['with the whole of who knows which', 200, { 'content-length': '100' }, { kind: 'changed', reason: 'has another version' }],
    ['with the whole of a shorter one', 200, { etag: '"a"', 'content-length': '90' }, { kind: 'changed', reason: 'has 90 bytes instead of 100' }],
    ['that is not there', 416, {}, { kind: 'changed', reason: 'has no such part any longer' }],
  ])('%s', (_, status, headers, verdict, ...[part]) => {
    expect(judge(status, headers, part)).toEqual(verdict);
  });
});

describe('D-52 an answer to a request for the file', () => {
  test.each<[number, Record<string, string>, object]>([
    [200, { 'content-length': '5', etag: 'W/"a"', 'last-modified': DATE, 'accept-ranges': 'Bytes' }, { kind: 'whole', facts: { sizeBytes: 5, validator: { kind: 'date', value: DATE }, acceptsRanges: true } }],
    [200, { 'content-length': '-5', etag: 'W/"a"' }, { kind: 'whole', facts: { sizeBytes: null, validator: null, acceptsRanges: false } }],
    [200, { 'content-encoding': 'gzip' }, { kind: 'refused', code: 'FETCH_FAILED', reason: 'encodes the file as gzip although it was asked not to' }],
    [206, {}, { kind: 'try_later', reason: 'answered with a part that nobody asked for', afterMs: null }],
    [204, {}, { kind: 'refused', code: 'FETCH_FAILED', reason: 'answered with status 204' }],
    [401, {}, { kind: 'refused', code: 'ACCESS_DENIED', reason: 'refuses with status 401' }],
    [404, {}, { kind: 'refused', code: 'NOT_FOUND', reason: 'has no such file (status 404)' }],
    [416, {}, { kind: 'refused', code: 'FETCH_FAILED', reason: 'answered with status 416' }],
    [429, { 'retry-after': '7' }, { kind: 'try_later', reason: 'answered with status 429', afterMs: 7_000 }],
    [503, { 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }, { kind: 'try_later', reason: 'answered with status 503', afterMs: 9_000 }],
    [500, { 'retry-after': 'soon' }, { kind: 'try_later', reason: 'answered with status 500', afterMs: null }],
    [501, {}, { kind: 'refused', code: 'FETCH_FAILED', reason: 'answered with status 501' }],
  ])('with status %i and %j', (status, headers, verdict) => {
    expect(judge(status, headers, null)).toEqual(verdict);
  });
});
