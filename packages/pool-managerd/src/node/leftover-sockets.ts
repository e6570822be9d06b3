import { readdir, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';

/** Folders that engine workers put their socket in; the number is the pid of the daemon that made it. */
const FOLDER = /^corral-w(\d+)-[A-Za-z0-9]{6}$/;
const SOCKET = 's';

/**
 * Removes the socket folders of engine workers whose daemon is gone, and those where nobody answers any more. To be
 * called before this process has made any. Returns how many went. Never rejects.
 */
export async function removeLeftoverSockets(root: string): Promise<number> {
  const names = await readdir(root).catch(() => []);
  let removed = 0;
  for (const name of names) {
    const pid = FOLDER.exec(name)?.[1];
    const folder = join(root, name);
    if (pid === undefined || !(await isOurs(folder)) || !(isGone(Number(pid)) || (await isDead(join(folder, SOCKET))))) continue;
    await rm(folder, { recursive: true, force: true }).catch(() => undefined);
    removed += 1;
  }
  return removed;
}

async function isOurs(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => null);
  return found?.isDirectory() === true && found.uid === process.getuid?.();
}

/** Whether the daemon with this pid has ended. In a container the one before had the pid that this one has. */
function isGone(pid: number): boolean {
  if (pid === process.pid) return true;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
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
