import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../engine-error.js';

/** Bytes that the path of a unix socket may have on every system that matters. */
const SOCKET_PATH_MAX_BYTES = 107;

/** A directory that only this user may enter, with room for one socket. */
export interface SocketDir {
  readonly socketPath: string;
  remove(): Promise<void>;
}

/** Makes a private directory for one socket under the first root whose path is short enough. Its name says whose process made it. */
export async function createSocketDir(roots: readonly string[]): Promise<SocketDir> {
  const prefix = `corral-w${process.pid}-`;
  const root = roots.find((each) => Buffer.byteLength(join(each, `${prefix}XXXXXX`, 's')) <= SOCKET_PATH_MAX_BYTES);
  if (root === undefined) {
    throw new EngineError('worker_failed', `no temporary directory is short enough for a unix socket (${SOCKET_PATH_MAX_BYTES} bytes): ${roots.join(', ')}; set TMPDIR to a shorter path`);
  }
  const dir = await mkdtemp(join(root, prefix));
  return { socketPath: join(dir, 's'), remove: () => rm(dir, { recursive: true, force: true }) };
}
