import { readFile } from 'node:fs/promises';

/** Tells one process from a later one with the same pid. `start` and `boot` are `null` where the system does not tell. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start: string | null;
  readonly boot: string | null;
}

/** Identity of the running process `pid`, or `null` when there is none, or only its unreaped remains. */
export async function identify(pid: number): Promise<ProcessIdentity | null> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return null;
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => null);
  if (stat === null) return { pid, start: null, boot: boot?.trim() ?? null };
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const isDead = fields[0] === 'Z' || fields[0] === 'X';
  return isDead ? null : { pid, start: fields[19] ?? null, boot: boot?.trim() ?? null };
}

/** Whether both name the same process; an unknown part is taken to agree. */
export function isSameProcess(a: ProcessIdentity, b: ProcessIdentity): boolean {
  return a.pid === b.pid && agree(a.start, b.start) && agree(a.boot, b.boot);
}

function agree(a: string | null, b: string | null): boolean {
  return a === null || b === null || a === b;
}
