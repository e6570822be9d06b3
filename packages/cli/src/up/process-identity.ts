import { readFile } from 'node:fs/promises';

/** One process, told apart from a later one that got the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When the system started it, in its own unit; `null` where the system does not say. */
  readonly start: string | null;
}

export async function identityOf(pid: number): Promise<ProcessIdentity> {
  return { pid, start: await startOf(pid) };
}

/** Whether that very process still runs. */
export async function isRunning({ pid, start }: ProcessIdentity): Promise<boolean> {
  if (pid <= 0 || !exists(pid)) return false;
  const now = await startOf(pid);
  return start === null || now === null || now === start;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of the kernel's line on the process; its second field may hold spaces and brackets. A zombie does not run. */
async function startOf(pid: number): Promise<string | null> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (line === undefined) return null;
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? null);
}
