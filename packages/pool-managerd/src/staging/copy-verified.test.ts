import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { digestFromHex } from '@corral/catalog-core';
import { copyVerified } from './copy-verified.js';

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});
async function aDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'copy-test-'));
  dirs.push(dir);
  return dir;
}
const never = new AbortController().signal;
const quiet = { signal: never, onProgress: () => {} };

describe('copyVerified', () => {
  test.each([0, 1, 1_048_576, 1_048_577, 20_000_003])('C-220 a file of %d bytes comes whole, with its digest, for its owner alone', async (bytes) => {
    const dir = await aDir();
    const content = randomBytes(bytes);
    await writeFile(join(dir, 'a'), content);
    const seen: number[] = [];
    const copied = await copyVerified(join(dir, 'a'), join(dir, 'b'), { signal: never, onProgress: (done) => seen.push(done) });
    expect(copied).toEqual({ digest: digestFromHex(createHash('sha256').update(content).digest('hex')), sizeBytes: bytes });
    expect((await readFile(join(dir, 'b'))).equals(content)).toBe(true);
    expect([(await stat(join(dir, 'b'))).mode & 0o777, seen.at(-1), seen.toSorted((x, y) => x - y)]).toEqual([0o600, bytes, seen]);
  });

  test('C-220 what is there already is never written over', async () => {
    const dir = await aDir();
    await writeFile(join(dir, 'a'), 'new');
    await writeFile(join(dir, 'b'), 'old');
    await expect(copyVerified(join(dir, 'a'), join(dir, 'b'), quiet)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(join(dir, 'b'), 'utf8')).toBe('old');
  });

  test('C-220 a source that cannot be read, and a target that is full, say so in the words of the system', async () => {
    const dir = await aDir();
    await expect(copyVerified(join(dir, 'none'), join(dir, 'b'), quiet)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(copyVerified(dir, join(dir, 'c'), quiet)).rejects.toMatchObject({ code: 'EISDIR' });
  });

  test('C-220 a copy that is called off ends with the reason, in the middle of a file that never ends', async () => {
    const dir = await aDir();
    const stop = new AbortController();
    const copying = copyVerified('/dev/zero', join(dir, 'b'), { signal: stop.signal, onProgress: (done) => done > 8_000_000 && stop.abort(new Error('no longer wanted')) });
    await expect(copying).rejects.toThrow('no longer wanted');
    const { size } = await stat(join(dir, 'b'));
    await new Promise((resolve) => setTimeout(resolve, 100));
    // Nobody writes any longer.
    expect([(await stat(join(dir, 'b'))).size, await readdir(dir)]).toEqual([size, ['b']]);
  });
});
