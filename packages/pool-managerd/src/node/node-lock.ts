import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@corral/service-kit';

/** The right to be the node of one state directory, held by one process at a time. */
export interface NodeLock {
  release(): Promise<void>;
}

const ATTEMPTS = 5;
const RETRY_MS = 30;

/**
 * Takes the lock in `dir`, or throws naming the process that has it.
 *
 * Each daemon puts a claim named after its pid and start time into `dir` and then looks for claims of others that
 * live: two that start at once can both lose and try again, never both win. A claim of a process that has
 * ended, even where its pid lives on in another, counts for nothing, so a crash needs no cleaning up.
 */
export async function takeNodeLock(dir: string, clock: Clock): Promise<NodeLock> {
  await mkdir(dir, { recursive: true });
  const own = `${process.pid}-${(await startTimeOf(process.pid)) ?? 'unknown'}`;
  for (let attempt = 1; ; attempt += 1) {
    await writeFile(join(dir, own), '');
    const holder = await otherHolder(dir, own);
    if (holder === null) return { release: () => rm(join(dir, own), { force: true }) };
    await rm(join(dir, own), { force: true });
    if (attempt === ATTEMPTS) {
      throw new Error(`pool-managerd with pid ${holder} uses this state directory already; stop it, or give this one another --state-dir (its claim is in ${dir})`);
    }
    await clock.sleep(attempt * (RETRY_MS + (process.pid % RETRY_MS)));
  }
}

/** The pid of a live process that has a claim; claims of dead ones are removed on the way. */
async function otherHolder(dir: string, own: string): Promise<number | null> {
  for (const name of await readdir(dir)) {
    const [, digits, start] = /^(\d+)-(\d+|unknown)$/.exec(name) ?? [];
    if (name === own || digits === undefined) continue;
    const pid = Number(digits);
    const running = await startTimeOf(pid);
    if (running !== null && (running === start || running === 'unknown' || start === 'unknown')) return pid;
    await rm(join(dir, name), { force: true });
  }
  return null;
}

/** When a process started, in ticks of the system; `unknown` where the system does not tell, `null` when there is no such process. */
async function startTimeOf(pid: number): Promise<string | null> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (stat === null) return 'unknown';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? 'unknown');
}
