import { expect, test } from '@jest/globals';
import { recordedMember } from './wheel-record.js';

const ZEROES = `sha256:${'00'.repeat(32)}`;
const HASH = `sha256=${Buffer.alloc(32).toString('base64url')}`;

test('D-22 a member is found in RECORD by its whole path', () => {
  const record = `a/m.gguf.bak,${HASH},1\r\na/m.gguf,${HASH},1\r\n"a/with,comma ""x"".gguf",${HASH}=,1\na/old.gguf,md5=abc,1\na-1.dist-info/RECORD,,\n`;
  expect(recordedMember(record, 'a/m.gguf')).toEqual({ kind: 'sha256', digest: ZEROES });
  expect(recordedMember(record, 'a/with,comma "x".gguf')).toEqual({ kind: 'sha256', digest: ZEROES });
  expect(recordedMember(record, 'a/old.gguf')).toEqual({ kind: 'other_hash' });
  expect(recordedMember(record, 'm.gguf')).toEqual({ kind: 'not_listed' });
  expect(recordedMember('', 'm.gguf')).toEqual({ kind: 'not_listed' });
});
