import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { once } from 'node:events';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { removeLeftoverSockets } from './leftover-sockets.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function aLivingSocket(path: string): Promise<Server> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  closing.push(() => server.close());
  return server;
}

describe('removeLeftoverSockets', () => {
  test('C-143 the folder of a worker that was killed goes, and all of a daemon that is gone; what answers, what just starts and what is foreign stays', async () => {
    const root = await mkdtemp(join(tmpdir(), 'sockets-'));
    closing.push(() => rm(root, { recursive: true, force: true }));
    const ofParent = `corral-w${process.ppid}`;
    const gone = spawnSync(process.execPath, ['-e', '']).pid;
    const [dead, live, starting, notMade, ofGone, ofOurPid] = [`${ofParent}-dead00`, `${ofParent}-live00`, `${ofParent}-new000`, 'corral-rabbit-o2fk9R', `corral-w${gone}-new000`, `corral-w${process.pid}-new000`];
    for (const name of [dead, live, starting, notMade, ofGone, ofOurPid, 'other-dead00']) await mkdir(join(root, name));
    const listen = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    for (const name of [dead, 'other-dead00']) spawnSync(process.execPath, ['-e', listen, join(root, name, 's')]);
    await aLivingSocket(join(root, live, 's'));
    await writeFile(join(root, notMade, 's'), '');
    expect(await removeLeftoverSockets(root)).toBe(3);
    expect((await readdir(root)).sort()).toEqual([live, starting, notMade, 'other-dead00'].sort());
  });

  test('C-143 a root that cannot be read is no failure', async () => {
    expect(await removeLeftoverSockets('/nowhere/at/all')).toBe(0);
  });
});
