import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readSecret, sharedSecret } from './shared-secret.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'corral-secret-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

test('B-135 whoever comes first makes the secret, and all get the same', async () => {
  const path = join(folder, 'token');
  expect(await readSecret(path)).toBeUndefined();
  const got = await Promise.all(Array.from({ length: 8 }, () => sharedSecret(path)));
  expect([new Set(got).size, got[0], await readSecret(path)]).toEqual([1, expect.stringMatching(/^[0-9a-f]{64}$/), got[0]]);
  expect([(await stat(path)).mode & 0o777, await readdir(folder)]).toEqual([0o600, ['token']]);
});

test('B-135 a file that holds something else is named, never used', async () => {
  const path = join(folder, 'empty');
  await writeFile(path, '\n');
  await chmod(path, 0o600);
  await expect(sharedSecret(path)).rejects.toThrow(`${path} holds no secret of 32 characters or more; delete it and start again`);
});
