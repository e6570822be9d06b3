import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createSocketDir } from './socket-dir.js';

describe('createSocketDir', () => {
  test('C-120 the directory is private, and gone when it is removed', async () => {
    const { socketPath, remove } = await createSocketDir([tmpdir()]);
    const dir = dirname(socketPath);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    await remove();
    expect(existsSync(dir)).toBe(false);
  });

  test('C-120 a root whose path is too long for a socket is passed over', async () => {
    const { socketPath, remove } = await createSocketDir([`/tmp/${'x'.repeat(100)}`, '/tmp']);
    expect(socketPath).toMatch(/^\/tmp\/corral-w\d+-.{6}\/s$/);
    await remove();
  });

  test('C-120 without a short root it says what to do', async () => {
    await expect(createSocketDir([`/tmp/${'x'.repeat(100)}`])).rejects.toThrow(/107 bytes.*set TMPDIR to a shorter path/);
  });
});
