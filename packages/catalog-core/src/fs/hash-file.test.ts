import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { hashFile } from './hash-file.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'corral-hash-'));
});
afterAll(() => rm(dir, { recursive: true }));

test.each([0, 1, (1 << 20) - 1, (1 << 20) + 1])('D-10 the digest of %i bytes is that of the hash function', async (length) => {
  const bytes = Buffer.alloc(length, 'corral');
  await writeFile(join(dir, 'file'), bytes);
  const seen: number[] = [];
  expect(await hashFile(join(dir, 'file'), { onProgress: (hashedBytes) => seen.push(hashedBytes) })).toBe(
    `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  );
  expect(seen).toEqual([length]);
});

test('D-10 an unreadable file rejects with the cause', async () => {
  await expect(hashFile(join(dir, 'nobody'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(hashFile(dir)).rejects.toMatchObject({ code: 'EISDIR' });
});

test('D-10 hashing stops when it is aborted, also in the middle', async () => {
  const big = await open(join(dir, 'big'), 'w');
  await big.truncate(8 * 2 ** 30);
  await big.close();
  const stop = new AbortController();
  const reason = new Error('enough');
  const hashing = hashFile(join(dir, 'big'), { signal: stop.signal, onProgress: () => stop.abort(reason) });
  await expect(hashing).rejects.toBe(reason);
  await expect(hashFile(join(dir, 'big'), { signal: stop.signal })).rejects.toBe(reason);
});
