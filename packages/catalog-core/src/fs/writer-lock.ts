import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CatalogError } from './catalog-error.js';
import { identify, isSameProcess } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';

/** The right to write one catalog, held by one process at a time. [D-07] */
export interface WriterLock {
  release(): Promise<void>;
}

const ATTEMPTS = 5;
const RETRY_MS = 20;

/**
 * Takes the right to write the catalog in `dir`, or throws `CatalogError` LOCKED naming the process that has it.
 *
 * Every writer puts a claim named after its pid into `.lock/` and then looks for claims of other live
 * processes; whoever sees one withdraws and tries again a few times. Two writers can therefore both lose, never
 * both win. A claim of a process that has ended counts for nothing, so a crash needs no cleaning up. [D-07]
 */
export async function acquireWriterLock(dir: string): Promise<WriterLock> {
  const claims = join(dir, '.lock');
  await mkdir(claims, { recursive: true });
  const self = await identify(process.pid);
  if (self === null) throw new Error('the running process has no identity');
  for (let attempt = 1; ; attempt += 1) {
    const holder = await claim(claims, self);
    if (holder === null) return { release: () => rm(join(claims, String(self.pid)), { force: true }) };
    if (attempt === ATTEMPTS) throw lockedBy(holder, dir, claims);
    await sleep(attempt * (RETRY_MS + (self.pid % RETRY_MS)));
  }
}

/** Returns the pid of the live process that already has a claim, or `null` when this one's claim stands. */
async function claim(claims: string, self: ProcessIdentity): Promise<number | null> {
  const own = join(claims, String(self.pid));
  const previous = await readClaim(own, self.pid);
  if (previous !== null && isSameProcess(previous, self)) return self.pid;
  await writeFile(own, JSON.stringify(self));
  const stale: string[] = [];
  for (const name of await readdir(claims)) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid <= 0 || pid === self.pid) continue;
    if (await isLive(join(claims, name), pid)) {
      await rm(own, { force: true });
      return pid;
    }
    stale.push(name);
  }
  for (const name of stale) await rm(join(claims, name), { force: true });
  return null;
}

async function isLive(path: string, pid: number): Promise<boolean> {
  const running = await identify(pid);
  if (running === null) return false;
  const claimed = await readClaim(path, pid);
  return claimed !== null && isSameProcess(claimed, running);
}

/** `null` when there is no claim. A claim that is still being written says no more than its pid. */
async function readClaim(path: string, pid: number): Promise<ProcessIdentity | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  if (text === null) return null;
  try {
    const { start, boot } = JSON.parse(text) as Partial<ProcessIdentity>;
    return { pid, start: start ?? null, boot: boot ?? null };
  } catch {
    return { pid, start: null, boot: null };
  }
}

function lockedBy(pid: number, dir: string, claims: string): CatalogError {
  const who = pid === process.pid ? 'this process' : `process ${pid}`;
  return new CatalogError(
    'LOCKED',
    `the catalog in ${dir} is open for writing in ${who}; stop that one, or give this one another models directory (${join(claims, String(pid))} is the claim)`,
  );
}
