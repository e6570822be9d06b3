import { expect, test } from '@jest/globals';
import { blobName, digestFromHex, digestHex, digestOfBlobName, parseDigest } from './digest.js';

const HEX = '0123456789abcdef'.repeat(4);

test('D-03 a digest is read in any case and kept in lower case', () => {
  expect(parseDigest(` SHA256:${HEX.toUpperCase()}`)).toEqual({ kind: 'digest', digest: `sha256:${HEX}` });
});

test.each([
  ['', 'does not name the algorithm'],
  [HEX, 'does not name the algorithm'],
  [`md5:${HEX}`, 'does not name the algorithm'],
  ['sha256:', 'no 64 hex digits'],
  [`sha256:${HEX}0`, 'no 64 hex digits'],
  [`sha256:${HEX.slice(1)}g`, 'no 64 hex digits'],
])('D-03 %j is refused with advice', (text, reason) => {
  expect(parseDigest(text)).toEqual({ kind: 'refused', message: expect.stringContaining(reason) });
});

test('D-03 the name of a file and its digest lead to each other', () => {
  expect(blobName(`sha256:${HEX}`)).toBe(`sha256-${HEX}`);
  expect(digestOfBlobName(`sha256-${HEX}`)).toBe(`sha256:${HEX}`);
  expect(digestHex(digestFromHex(HEX))).toBe(HEX);
  expect(digestOfBlobName(`sha256-${HEX}.part`)).toBeNull();
  expect(() => digestFromHex('abc')).toThrow('not a sha256');
});
