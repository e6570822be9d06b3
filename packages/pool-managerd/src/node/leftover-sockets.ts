import { readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** Folders that engine workers put their socket in. */
const FOLDER = /^corral-[A-Za-z0-9]{6}$/;
const SOCKET = 's';

/**
 * Removes the socket folders of engine workers that were killed together with their daemon, and nothing that
 * anybody still answers at. Returns how many went. Never rejects.
 */
export async function removeLeftoverSockets(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  let removed = 0;
  for (const name of names.filter((each) => FOLDER.test(each))) {
    const folder = join(root, name);
    if (!(await isOurs(folder)) || !(await isDead(join(folder, SOCKET)))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    removed += 1;
  }
  return removed;
}

async function isOurs(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** Only a socket that refuses is dead: a folder without one may belong to a worker that is just starting. */
function isDead(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'));
  });
}
