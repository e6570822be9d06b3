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
  test('C-143 the folder of a worker that was killed goes; one that answers, one without a socket and foreign ones stay', async () => {
    const root = await mkdtemp(join(tmpdir(), 'sockets-'));
    closing.push(() => rm(root, { recursive: true, force: true }));
    for (const name of ['corral-dead00', 'corral-live00', 'corral-new000', 'corral-up', 'other-dead00']) await mkdir(join(root, name));
    const listen = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
    for (const name of ['corral-dead00', 'other-dead00']) spawnSync(process.execPath, ['-e', listen, join(root, name, 's')]);
    await aLivingSocket(join(root, 'corral-live00', 's'));
    await writeFile(join(root, 'corral-up', 's'), '');
    expect(await removeLeftoverSockets(root)).toBe(1);
    expect((await readdir(root)).sort()).toEqual(['corral-live00', 'corral-new000', 'corral-up', 'other-dead00']);
  });

  test('C-143 a root that cannot be read is no failure', async () => {
    expect(await removeLeftoverSockets('/nowhere/at/all')).toBe(0);
  });
});
