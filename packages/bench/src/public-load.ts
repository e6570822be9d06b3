import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Says that it is initialised, then waits for a load. */
export const PUBLIC_LOAD_CHILD = fileURLToPath(new URL('./public-load-child.js', import.meta.url));

export interface PublicLoad {
  readonly modelPath: string;
  readonly prompt: string;
  /** Tokens per slot. */
  readonly context: number;
  readonly slots: number;
}

/** Milliseconds from the request for a load to the first token, by node-llama-cpp's public calls in an initialised process. */
export async function publicLoadMs(load: PublicLoad): Promise<number> {
  const child = fork(PUBLIC_LOAD_CHILD, { execArgv: [], env: { ...process.env, UV_THREADPOOL_SIZE: '1' } });
  const exited = once(child, 'exit');
  try {
    await once(child, 'message');
    child.send(load);
    const [answer] = (await Promise.race([once(child, 'message'), exited.then(() => Promise.reject(new Error('the reference process ended')))])) as [{ readonly ms: number }];
    return answer.ms;
  } finally {
    child.kill('SIGKILL');
    await exited;
  }
}
