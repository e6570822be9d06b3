import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { findOomCounter, OomKills, readCounter } from './oom-kills.js';

const roots: string[] = [];
afterEach(async () => {
  for (const root of roots.splice(0)) await rm(root, { recursive: true, force: true });
});

/** A file system as the kernel shows it, with these files. */
async function aSystem(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'oom-'));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}
const countOn = async (files: Readonly<Record<string, string>>): Promise<number | null> => {
  const counter = findOomCounter(await aSystem(files));
  return counter === null ? null : readCounter(counter);
};

describe('the counter of OOM kills', () => {
  const v2 = { 'proc/self/cgroup': '0::/a/b\n', 'proc/vmstat': 'oom_kill 9\n' };

  test('C-172 control groups of version 2: the own one, or the nearest parent that counts', async () => {
    expect(await countOn({ ...v2, 'sys/fs/cgroup/a/b/memory.events': 'low 0\noom 3\noom_kill 2\noom_group_kill 7\n' })).toBe(2);
    expect(await countOn({ ...v2, 'sys/fs/cgroup/a/memory.events': 'oom_kill 4\n' })).toBe(4);
  });

  test('C-172 version 1, also beside an empty version 2', async () => {
    const v1 = { 'proc/self/cgroup': '9:name=systemd:/\n4:cpu,memory:/c\n0::/\n' };
    expect(await countOn({ ...v1, 'sys/fs/cgroup/memory/c/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 5\n' })).toBe(5);
  });

  test('C-172 else the machine; where nothing counts, nobody can tell', async () => {
    expect([await countOn(v2), await countOn({})]).toEqual([9, null]);
  });
});

describe('OomKills', () => {
  const kills = (counts: readonly (number | null)[]) => {
    const left = [...counts];
    return new OomKills(() => left.shift() ?? null);
  };

  test('C-172 a SIGKILL by hand and one by the kernel differ, and each kill is claimed once', () => {
    const oom = kills([3, 3, 4, 4]);
    for (let n = 0; n < 3; n += 1) oom.begin();
    expect([oom.end('SIGKILL'), oom.end('SIGKILL'), oom.end('SIGKILL')]).toEqual([false, true, false]);
  });

  test('C-172 no other end asks; what was killed while no child lived does not count; without a counter nobody knows', () => {
    const oom = kills([0, 1, 1]);
    oom.begin();
    expect(oom.end('SIGSEGV')).toBe(false);
    oom.begin();
    expect(oom.end('SIGKILL')).toBe(false);
    const unknown = kills([null, null]);
    unknown.begin();
    expect(unknown.end('SIGKILL')).toBeNull();
  });
});
