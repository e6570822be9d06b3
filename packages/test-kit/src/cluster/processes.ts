import { readdir, readFile } from 'node:fs/promises';

/** Pids of a process and of all that it started, itself first. Reads `/proc`. */
export async function familyOf(pid: number): Promise<readonly number[]> {
  const parents = new Map<number, number>();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = /\) \S (\d+)/.exec(stat)?.[1];
    if (parent !== undefined) parents.set(Number(name), Number(parent));
  }
  const family = [pid];
  for (const member of family) for (const [child, parent] of parents) if (parent === member) family.push(child);
  return family;
}

/** Those that are still there; a zombie counts as gone. */
export async function aliveOf(pids: readonly number[]): Promise<readonly number[]> {
  const states = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')));
  return pids.filter((_pid, n) => /\) [^ZX] /.test(states[n] ?? ''));
}

/** Polls until `condition` holds; throws with `what` when it does not within `withinMs`. */
export async function eventually<T>(what: string, withinMs: number, condition: () => Promise<T | undefined | false | null>): Promise<T> {
  const untilMs = Date.now() + withinMs;
  for (;;) {
    const seen = await condition();
    if (seen !== undefined && seen !== false && seen !== null) return seen;
    if (Date.now() > untilMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
