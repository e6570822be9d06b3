import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '@corral/service-kit';
import { takeNodeLock } from './node-lock.js';

const dirs: string[] = [];
afterEach(async () => {
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});
async function aDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'lock-'));
  dirs.push(dir);
  return join(dir, 'lock');
}

describe('takeNodeLock', () => {
  test('C-143 a second daemon on the same state directory is refused with the pid of the first', async () => {
    const dir = await aDir();
    const first = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await once(first, 'spawn');
    const lock = await takeNodeLock(dir, systemClock);
    await lock.release();
    await writeFile(join(dir, `${first.pid}-unknown`), '');
    await expect(takeNodeLock(dir, systemClock)).rejects.toThrow(`pid ${first.pid} uses this state directory already`);
    first.kill('SIGKILL');
    await once(first, 'exit');
    await (await takeNodeLock(dir, systemClock)).release();
    expect(await readdir(dir)).toEqual([]);
  });

  test('C-143 a claim whose pid lives on in another process counts for nothing', async () => {
    const dir = await aDir();
    await (await takeNodeLock(dir, systemClock)).release();
    await writeFile(join(dir, `${process.ppid}-1`), '');
    const lock = await takeNodeLock(dir, systemClock);
    expect((await readdir(dir)).length).toBe(1);
    await lock.release();
  });
});
