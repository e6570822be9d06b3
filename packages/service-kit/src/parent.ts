import { Socket } from 'node:net';

/** Names the file descriptor of a pipe that the parent holds open for as long as it lives; 0 is standard input. */
export const PARENT_PIPE_FD = 'PARENT_PIPE_FD';

export type ParentLink = 'ipc' | 'pipe' | 'none';

export interface ParentOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Begins an orderly stop. */
  readonly onGone: () => void;
  /** Time for that; then the process exits with 1. */
  readonly graceMs?: number;
}

/**
 * Makes this process end when its parent does, however the parent ended: the system closes its end of the IPC
 * channel or of the pipe. Returns which of them is watched; `none` when the process is nobody's child. [P-65]
 */
export function exitWithParent({ environment, onGone, graceMs = 1_000 }: ParentOptions): ParentLink {
  let isGone = false;
  const gone = (): void => {
    if (isGone) return;
    isGone = true;
    setTimeout(() => process.exit(1), graceMs).unref();
    onGone();
  };
  if (process.send !== undefined) {
    process.once('disconnect', gone);
    // Watching the parent must not keep a daemon alive that has closed everything else.
    process.channel?.unref();
    if (!process.connected) gone();
    return 'ipc';
  }
  const text = environment[PARENT_PIPE_FD];
  if (text === undefined || text === '') return 'none';
  watchPipe(text, gone);
  return 'pipe';
}

function watchPipe(text: string, gone: () => void): void {
  const fd = Number(text);
  if (!Number.isInteger(fd) || fd < 0)
    throw new Error(`${PARENT_PIPE_FD} is ${JSON.stringify(text)}; set it to the number of an open pipe`);
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.once('end', gone).once('error', gone).once('close', gone);
  pipe.resume();
  pipe.unref();
}
