import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { ListenError } from './listen-error.js';

/** What the system stores of a socket's path. */
const LONGEST_SOCKET_PATH = 107;

/** Refuses a path that is too long, and removes a socket that a dead process left behind. */
export async function prepareSocketPath(path: string): Promise<void> {
  if (Buffer.byteLength(path) > LONGEST_SOCKET_PATH) {
    throw new ListenError(`the socket path ${path} is longer than ${LONGEST_SOCKET_PATH} bytes; choose a shorter folder`, 'ENAMETOOLONG');
  }
  const found = await lstat(path).catch(() => undefined);
  if (found?.isSocket() === true && !(await answers(path))) await rm(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}
