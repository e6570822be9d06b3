import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** How the kernel counts the processes that it ended for want of memory: a file, and the line in it. */
interface Counter {
  readonly path: string;
  readonly line: RegExp;
}

/**
 * Finds the counter that the children of this process are counted in: that of its control group (version 2, then 1), of
 * a parent of it where a container hides the rest of the path, or else that of the machine. `null` where there is none.
 */
export function findOomCounter(root = '/'): Counter | null {
  const groups = readText(join(root, 'proc/self/cgroup'));
  const v2 = /^0::(\/.*)$/m.exec(groups)?.[1];
  const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1];
  const candidates = [
    ...(v2 === undefined ? [] : upwards(v2).map((path) => ({ path: join(root, 'sys/fs/cgroup', path, 'memory.events'), line: /^oom_kill (\d+)$/m }))),
    ...(v1 === undefined ? [] : upwards(v1).map((path) => ({ path: join(root, 'sys/fs/cgroup/memory', path, 'memory.oom_control'), line: /^oom_kill (\d+)$/m }))),
    { path: join(root, 'proc/vmstat'), line: /^oom_kill (\d+)$/m },
  ];
  return candidates.find((counter) => existsSync(counter.path) && readCounter(counter) !== null) ?? null;
}

/** The count at this moment; `null` when it cannot be read. */
export function readCounter({ path, line }: Counter): number | null {
  const count = line.exec(readText(path))?.[1];
  return count === undefined ? null : Number(count);
}

/**
 * Tells whether a child that ended by SIGKILL was ended by the kernel. Each of the kernel's kills is claimed by one exit, so
 * that of two deaths and one kill only one is told so; what was killed while no child lived is none of their concern. [C-172]
 */
export class OomKills {
  #claimed: number | null = null;
  #living = 0;

  /** `read` gives the kernel's count at this moment, `null` when nobody can tell. */
  constructor(private readonly read: () => number | null) {}

  begin(): void {
    if (this.#living === 0) this.#claimed = this.read();
    this.#living += 1;
  }

  /** Called once for each `begin`. `null` when nobody can tell. */
  end(signal: string | null): boolean | null {
    this.#living -= 1;
    if (signal !== 'SIGKILL') return false;
    const count = this.read();
    if (count === null || this.#claimed === null) return null;
    if (count <= this.#claimed) return false;
    this.#claimed += 1;
    return true;
  }
}

/** The kills of the children of this process, by the kernel's own counter. */
export function systemOomKills(): OomKills {
  const counter = findOomCounter();
  return new OomKills(() => (counter === null ? null : readCounter(counter)));
}

function upwards(path: string): readonly string[] {
  return path === '/' ? ['/'] : [path, ...upwards(dirname(path))];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // Not there on this system.
    return '';
  }
}
