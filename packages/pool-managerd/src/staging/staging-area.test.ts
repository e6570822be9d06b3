import { existsSync, statSync } from 'node:fs';
import { appendFile, readdir, readFile, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { systemClock } from '@corral/service-kit';
import { aFolder, AreaUnderTest, wishFor } from '../../test/an-area.js';
import { recordPath, stagedPath } from './staged-record.js';

describe.each([['RAM', '/dev/shm'], ['a plain folder', tmpdir()]])('StagingArea in %s', (_, root) => {
  const open = async (over: Parameters<typeof AreaUnderTest.open>[0] = {}) => AreaUnderTest.open({ dir: await aFolder(root), ...over });

  test('C-70 C-71 C-77 a model that is asked for by hand is there whole, under its digest, for its owner alone', async () => {
    const one = await open();
    const { area, dir } = one;
    const a = await one.aModel('a', 400);
    expect(await area.request(a)).toBe('staging');
    await one.until(() => area.has(a.digest), (there) => there);
    expect((await readFile(stagedPath(dir, a.digest))).equals(await readFile(a.path))).toBe(true);
    expect([statSync(stagedPath(dir, a.digest)).mode & 0o777, await area.request(a), area.list()]).toEqual([
      0o600,
      'staged',
      [{ modelId: 'a', digest: a.digest, path: stagedPath(dir, a.digest), sizeBytes: 400, leases: 0, lastUsedMs: expect.any(Number) }],
    ]);
  });

  test('C-73 T-112 room for two: the third makes the least recently used leave, on the disk of RAM too', async () => {
    const one = await open();
    const [a, b, c] = [await one.aModel('a', 400), await one.aModel('b', 400), await one.aModel('c', 400)];
    await one.stage(a, b);
    one.area.lease(a.digest)?.release();
    await one.stage(c);
    expect([one.ids(), one.evicted, existsSync(stagedPath(one.dir, b.digest)), existsSync(recordPath(one.dir, b.digest))]).toEqual([['a', 'c'], ['room'], false, false]);
  });

  test('C-254 what lies beside the files counts, and leaves when one needs its room', async () => {
    const yielded: number[] = [];
    const others = { usedBytes: 700, yield: (bytes: number) => Promise.resolve(void (yielded.push(bytes), (others.usedBytes -= bytes))) };
    const one = await open({ others });
    const a = await one.aModel('a', 200);
    await one.stage(a);
    expect(yielded).toEqual([]);
    one.area.lease(a.digest);
    await one.stage(await one.aModel('b', 400));
    expect([one.ids(), one.evicted, yielded]).toEqual([['a', 'b'], [], [300]]);
  });

  test('C-73 T-113 one that is larger than the area is refused with the numbers, and nothing leaves for it', async () => {
    const one = await open();
    const [a, big] = [await one.aModel('a', 400), await one.aModel('big', 1_001)];
    await one.stage(a);
    expect(await one.area.request(big)).toEqual({ kind: 'too_large', message: expect.stringMatching(/big needs 1001 B .* holds 1000 B at most.*raise POOL_MANAGERD_STAGE_MAX_BYTES/), retryAtMs: null });
    one.area.want([wishFor(big)]);
    await one.until(() => one.area.problemOf(big.digest)?.kind, (kind) => kind === 'too_large');
    expect([one.ids(), one.area.isComing(big.digest), one.area.wakeAtMs()]).toEqual([['a'], false, null]);
  });

  test('C-73 what is leased stays until its last lease ends, and then gives way', async () => {
    const one = await open();
    const [a, b] = [await one.aModel('a', 600), await one.aModel('b', 600)];
    await one.stage(a);
    const leases = [one.area.lease(a.digest), one.area.lease(a.digest)];
    expect(await one.area.request(b)).toMatchObject({ kind: 'no_room' });
    one.area.want([wishFor(b)]);
    leases[0]?.release();
    leases[0]?.release();
    await one.until(() => one.area.problemOf(b.digest)?.kind, (kind) => kind === 'no_room');
    expect([one.ids(), await one.area.remove(a.digest)]).toEqual([['a'], 'leased']);
    leases[1]?.release();
    one.area.want([wishFor(b, { seq: 2 })]);
    await one.until(() => one.ids(), (ids) => ids.includes('b'));
    expect(one.ids()).toEqual(['b']);
  });

  test('C-73 what is pinned stays, and comes before what is not', async () => {
    const one = await open();
    const [a, b] = [await one.aModel('a', 600), await one.aModel('b', 600)];
    one.area.want([wishFor(a, { isPinned: true })]);
    await one.until(() => one.area.has(a.digest), (there) => there);
    expect(await one.area.request(b)).toMatchObject({ kind: 'no_room', message: expect.stringContaining('pinned') });
    one.area.want([wishFor(a), wishFor(b, { isPinned: true, seq: 9 })]);
    await one.until(() => one.ids(), (ids) => ids.includes('b'));
    expect(one.ids()).toEqual(['b']);
  });

  test('C-222 two wishes that do not fit together come to rest, and each new asking wins', async () => {
    const one = await open();
    const [a, b] = [await one.aModel('a', 600), await one.aModel('b', 600)];
    one.area.want([wishFor(a)]);
    await one.until(() => one.area.has(a.digest), (there) => there);
    await new Promise((resolve) => setTimeout(resolve, 5));
    one.area.want([wishFor(a), wishFor(b)]);
    await one.until(() => one.area.has(b.digest), (there) => there);
    for (let round = 0; round < 20; round += 1) {
      one.area.want([wishFor(a), wishFor(b)]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect([one.ids(), one.staged.length, one.area.problemOf(a.digest)?.kind]).toEqual([['b'], 2, 'no_room']);
    one.area.want([wishFor(a, { seq: 2 }), wishFor(b)]);
    await one.until(() => one.area.has(a.digest), (there) => there);
    expect(one.ids()).toEqual(['a']);
  });

  test('C-78 with less RAM free than has to stay free, nothing is staged until there is more', async () => {
    const one = await open();
    const a = await one.aModel('a', 400);
    one.freeBytes = 399;
    expect(await one.area.request(a)).toMatchObject({ kind: 'no_room', message: expect.stringContaining('free memory on the node') });
    one.freeBytes = 400;
    await one.stage(a);
    expect(one.ids()).toEqual(['a']);
  });

  test.each([
    ['has another content', (path: string) => writeFile(path, Buffer.alloc(400, 'x')), /has sha256:.* instead of sha256:/],
    ['is shorter', (path: string) => truncate(path, 399), /has 399 bytes instead of 400/],
    ['is longer', (path: string) => appendFile(path, 'x'), /has 401 bytes instead of 400/],
    ['is gone', (path: string) => rm(path), /ENOENT/],
  ])('C-77 a file that %s is seen by nobody, nothing is left of it, and whoever knows files looks again', async (__, spoil, message) => {
    const one = await open();
    const a = await one.aModel('a', 400);
    const kept = await readFile(a.path);
    await spoil(a.path);
    one.area.want([wishFor(a)]);
    await one.until(() => one.area.problemOf(a.digest), (problem) => problem !== null);
    expect([one.area.problemOf(a.digest), one.ids(), await readdir(one.dir), one.doubtful.slice(0, 1)]).toEqual([
      { kind: 'copy_failed', message: expect.stringMatching(message), retryAtMs: expect.any(Number) },
      [],
      [],
      [a.digest],
    ]);
    await rm(a.path, { force: true });
    await writeFile(a.path, kept);
    // It is tried again by itself.
    for (;;) {
      one.area.want([wishFor(a)]);
      if (one.area.has(a.digest)) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(one.area.problemOf(a.digest)).toBeNull();
  });

  test('C-223 the next start finds what is whole, in the order of use, and removes everything doubtful', async () => {
    const one = await open({ budgetBytes: 10_000 });
    const models = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((id) => one.aModel(id, 400)));
    await one.stage(...models);
    await one.area.close();
    const [a, b, c, d] = models.map(({ digest }) => digest);
    await utimes(stagedPath(one.dir, b!), 1, 1);
    await truncate(stagedPath(one.dir, c!), 399);
    await rm(recordPath(one.dir, d!));
    await writeFile(join(one.dir, '.partial-x'), 'half');
    await writeFile(recordPath(one.dir, `sha256:${'0'.repeat(64)}`), '{}');
    const next = await AreaUnderTest.open({ dir: one.dir, disk: one.disk, budgetBytes: 800 });
    expect([next.ids(), (await readdir(one.dir)).length]).toEqual([['a', 'e'], 4]);
    // `e` was used later.
    await next.stage(models[1]!);
    expect([next.ids(), next.area.has(a!)]).toEqual([['b', 'e'], false]);
  });

  test('C-223 a copy of a file that replaced the staged one is not taken for it', async () => {
    const one = await open();
    const a = await one.aModel('a', 400);
    await one.stage(a);
    const path = stagedPath(one.dir, a.digest);
    await writeFile(`${path}.new`, Buffer.alloc(400, 'evil'));
    await rename(`${path}.new`, path);
    // All but its inode agrees.
    const record = JSON.parse(await readFile(recordPath(one.dir, a.digest), 'utf8')) as object;
    await writeFile(recordPath(one.dir, a.digest), JSON.stringify({ ...record, modified_ms: statSync(path).mtimeMs }));
    expect((await AreaUnderTest.open({ dir: one.dir })).ids()).toEqual([]);
  });

  test('C-72 a staged file that somebody removed by hand is no staged file', async () => {
    const one = await open();
    const a = await one.aModel('a', 400);
    await one.stage(a);
    await rm(stagedPath(one.dir, a.digest));
    expect(one.area.lease(a.digest)).toBeNull();
    await one.until(() => one.evicted, (reasons) => reasons.length > 0);
    expect([one.ids(), one.evicted]).toEqual([[], ['lost']]);
    await one.stage(a);
  });

  test('C-03 what is removed by hand comes back only when somebody asks anew', async () => {
    const one = await open();
    const a = await one.aModel('a', 400);
    one.area.want([wishFor(a)]);
    await one.until(() => one.area.has(a.digest), (there) => there);
    expect([await one.area.remove(a.digest), await one.area.remove(a.digest)]).toEqual(['removed', 'unknown']);
    one.area.want([wishFor(a)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([one.ids(), one.area.problemOf(a.digest)?.kind, await readdir(one.dir)]).toEqual([[], 'removed', []]);
    one.area.want([wishFor(a, { seq: 2 })]);
    await one.until(() => one.area.has(a.digest), (there) => there);
  });

  test('C-227 a copy for the next load leaves the cores to the first answers; one that somebody waits for does not', async () => {
    const one = await open({ settleMs: 60_000 });
    const [a, b] = [await one.aModel('a', 400), await one.aModel('b', 400)];
    const beforeMs = systemClock.monotonicMs();
    one.area.want([wishFor(a, { isForNextLoad: true }), wishFor(b)]);
    await one.until(() => one.area.has(b.digest), (there) => there);
    expect([one.ids(), one.area.isComing(a.digest), (one.area.wakeAtMs() ?? 0) >= beforeMs + 60_000]).toEqual([['b'], true, true]);
    one.area.want([wishFor(a), wishFor(b)]);
    await one.until(() => one.area.has(a.digest), (there) => there);
    expect(one.area.wakeAtMs()).toBeNull();
  });

  test('C-227 it begins by itself once the time is over', async () => {
    const one = await open({ settleMs: 30 });
    const a = await one.aModel('a', 400);
    const wants = [wishFor(a, { isForNextLoad: true })];
    one.area.want(wants);
    const wakeAtMs = one.area.wakeAtMs();
    expect([one.ids(), wakeAtMs]).toEqual([[], expect.any(Number)]);
    await one.until(() => systemClock.monotonicMs(), (nowMs) => nowMs >= (wakeAtMs ?? 0));
    expect(one.area.wakeAtMs()).toBe(wakeAtMs);
    one.area.want(wants);
    await one.until(() => one.area.has(a.digest), (there) => there);
  });

  test('C-220 a copy that nobody wants any longer ends, and leaves nothing', async () => {
    const one = await open({ budgetBytes: 1e9 });
    const a = await one.aModel('a', 300_000_000);
    one.area.want([wishFor(a)]);
    await one.until(() => one.area.running()?.copiedBytes ?? 0, (bytes) => bytes > 0);
    expect([one.area.isRunning(a.digest), one.area.runningFor(a.digest)]).toEqual([true, 'now']);
    one.area.want([wishFor(a, { isForNextLoad: true })]);
    expect(one.area.runningFor(a.digest)).toBe('next_load');
    one.area.want([]);
    expect([one.area.isRunning(a.digest), one.area.runningFor(a.digest)]).toEqual([false, null]);
    await one.until(() => one.area.running(), (running) => running === null);
    expect([one.ids(), await readdir(one.dir), one.area.wishes()]).toEqual([[], [], []]);
  }, 600_000);
});
