import { mkdir, rm, stat, utimes } from 'node:fs/promises';
import { dirname } from 'node:path';

const STALE_MS = 60_000;
const TOUCH_MS = 10_000;
const POLL_MS = 200;
const WAIT_MAX_MS = 600_000;

/**
 * Runs `work` while no other process does so under the same lock directory. A lock whose holder died is
 * taken over once it has not been touched for a minute.
 */
export async function singleFlight<T>(lockDir: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(lockDir), { recursive: true });
  for (let waitedMs = 0; !(await tryLock(lockDir)); waitedMs += POLL_MS) {
    if (waitedMs > WAIT_MAX_MS) throw new Error(`${lockDir} has been held for ${WAIT_MAX_MS} ms; remove it if nobody works on it`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  const touch = setInterval(() => void utimes(lockDir, new Date(), new Date()).catch(() => undefined), TOUCH_MS);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(lockDir, { recursive: true, force: true });
  }
}

async function tryLock(lockDir: string): Promise<boolean> {
  try {
    await mkdir(lockDir);
    return true;
  } catch {
    const { mtimeMs } = await stat(lockDir).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > STALE_MS) await rm(lockDir, { recursive: true, force: true });
    return false;
  }
}
