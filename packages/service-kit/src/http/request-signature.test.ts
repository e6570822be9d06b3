import { createHash, createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { checkSignature, signatureHeader, type SignedRequest } from './request-signature.js';

const SECRET = 'a secret of the server';
const NOW_MS = 1_800_000_000_500;
const REQUEST: SignedRequest = { method: 'POST', path: '/admin/reload', body: Buffer.from('{"source":"cli"}') };

/** Written from the description alone, so that it does not share a mistake with what it checks. */
function byHand(timestamp: number, body = '{"source":"cli"}', method = 'POST', path = '/admin/reload'): string {
  const text = `${method}\n${path}\n${timestamp}\n${createHash('sha256').update(body).digest('hex')}`;
  return `HMAC-SHA256 timestamp=${timestamp},signature=${createHmac('sha256', SECRET).update(text).digest('base64')}`;
}

const verdict = (header: string, over: Partial<SignedRequest> = {}, secret = SECRET) => checkSignature(header, { ...REQUEST, ...over }, { secret, nowMs: NOW_MS }).kind;

describe('a signed request', () => {
  test('F-07 the header covers method, path, time and body, and is accepted', () => {
    expect(signatureHeader(REQUEST, SECRET, NOW_MS)).toBe(byHand(1_800_000_000));
    expect(verdict(byHand(1_800_000_000))).toBe('valid');
    expect(verdict(byHand(1_800_000_000), { method: 'post', path: '/admin/reload?x=1' })).toBe('valid');
    expect(verdict(byHand(1_800_000_000, ''), { body: Buffer.alloc(0) })).toBe('valid');
  });

  test.each([
    ['a changed body', byHand(1_800_000_000, '{"source":"api"}')],
    ['another method', byHand(1_800_000_000, undefined, 'GET')],
    ['another path', byHand(1_800_000_000, undefined, 'POST', '/admin/reload/')],
    ['another time than the one that was signed', byHand(1_800_000_000).replace('1800000000', '1800000001')],
    ['six minutes old', byHand(1_800_000_000 - 360)],
    ['six minutes ahead', byHand(1_800_000_000 + 360)],
    ['one second too old', byHand(1_800_000_000 - 301)],
    ['another spelling of the scheme', byHand(1_800_000_000).replace('HMAC-SHA256', 'hmac-sha256')],
    ['no timestamp', byHand(1_800_000_000).replace(/timestamp=\d+,/, '')],
    ['no signature', 'HMAC-SHA256 timestamp=1800000000'],
    ['half a signature', 'HMAC-SHA256 timestamp=1800000000,signature=AAAA'],
    ['a long header', `${byHand(1_800_000_000)},x=${'y'.repeat(9_000)}`],
    ['nothing', 'HMAC-SHA256'],
  ])('F-07 %s is refused', (_what, header) => {
    expect(verdict(header)).toBe('invalid');
  });

  test('F-07 another secret is refused', () => {
    expect(verdict(byHand(1_800_000_000), {}, 'another secret')).toBe('invalid');
  });

  test('F-07 five minutes either way are allowed, and parameters that nobody knows are ignored', () => {
    expect([verdict(byHand(1_800_000_000 - 300)), verdict(byHand(1_800_000_000 + 300)), verdict(byHand(1_800_000_000).replace('timestamp', 'key-id=k1, timestamp'))]).toEqual(['valid', 'valid', 'valid']);
  });
});
