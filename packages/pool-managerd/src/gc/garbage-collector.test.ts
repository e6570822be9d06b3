import { describe, expect, test } from '@jest/globals';
import type { DiskUse, GcItem, GcPolicy } from '@corral/catalog-core';
import { recordingLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import type { Collectable, GcRemoval } from './collectable.js';
import { GarbageCollector } from './garbage-collector.js';
import type { GcRun } from './garbage-collector.js';

const MB = 1_000_000;
const item = (id: string, over: Partial<GcItem> = {}): GcItem => ({ kind: 'model', id, path: `/m/${id}`, external: false, isOnDisk: true, sizeBytes: 10 * MB, lifecycle: 'Active', retiredAtMs: null, pinned: false, lastUsedMs: null, createdMs: 0, ...over });
const policy = (over: Partial<GcPolicy['rules']> = {}): GcPolicy => ({ maxDiskUsagePercent: 50, minFreeBytes: 0, rules: { keepActive: false, keepUsedWithinMs: null, deleteRetiredAfterMs: null, ...over } });

interface RigOptions {
  readonly items: readonly GcItem[];
  readonly disk?: DiskUse;
  readonly rules?: Partial<GcPolicy['rules']>;
  /** What an item is by the time it would be deleted. */
  readonly by?: (item: GcItem) => GcItem;
  readonly removal?: GcRemoval;
}

/** A disk of so many bytes whose items take what they say. */
function aRig({ items, disk = { usedBytes: 60 * MB, freeBytes: 40 * MB }, rules = {}, by = (one) => one, removal }: RigOptions) {
  const left = new Map(items.map((one) => [one.id, one]));
  const state = { disk, measureFails: false, passes: 0 };
  const runs: (GcRun | null)[] = [];
  const source: Collectable = {
    kind: 'model',
    items: () => [...left.values()],
    useOf: () => null,
    remove: async (one, _rule, mayGo) => {
      if (removal !== undefined) return removal;
      if (!mayGo(by(one))) return { kind: 'kept', reason: 'it has changed meanwhile' };
      left.delete(one.id);
      state.disk = { usedBytes: state.disk.usedBytes - one.sizeBytes, freeBytes: state.disk.freeBytes + one.sizeBytes };
      return { kind: 'deleted', freedBytes: one.sizeBytes };
    },
    finish: async () => void (state.passes += 1),
  };
  const clock = new FakeClock(1_000);
  const { log, lines } = recordingLog();
  const measure = async (): Promise<DiskUse> => {
    if (state.measureFails) throw new Error('the disk is away');
    return state.disk;
  };
  const collector = new GarbageCollector({ sources: [source], policy: policy(rules), path: '/m', measure, clock, log, onRun: (_outcome, run) => void runs.push(run) });
  return { collector, clock, lines, runs, state, ids: () => [...left.keys()] };
}

describe('D-33 D-34 a pass', () => {
  test('T-72 deletes what the plan says and reports the disk as it is afterwards', async () => {
    const rig = aRig({ items: [item('new', { lastUsedMs: 5 }), item('old')] });
    const run = await rig.collector.run('operator');
    expect([run.deleted.map((one) => one.item.id), run.diskAfter, run.thresholdsMetAfter, rig.ids()]).toEqual([['old'], { usedBytes: 50 * MB, freeBytes: 50 * MB }, true, ['new']]);
  });

  test.each<[string, Partial<GcItem>]>([
    ['pinned', { pinned: true }],
    ['used', { lastUsedMs: 7 }],
  ])('D-65 what was %s since the plan was made stays', async (_, change) => {
    const rig = aRig({ items: [item('m')], by: (one) => ({ ...one, ...change }) });
    const run = await rig.collector.run('operator');
    expect([run.deleted, run.spared, rig.ids()]).toEqual([[], [{ item: item('m'), reason: 'it has changed meanwhile' }], ['m']]);
  });

  test('D-65 what was activated and retired again counts from then', async () => {
    const retired = item('m', { lifecycle: 'Retired', retiredAtMs: 1 });
    const rig = aRig({ items: [retired], disk: { usedBytes: 0, freeBytes: 1 }, rules: { deleteRetiredAfterMs: 0 }, by: (one) => ({ ...one, retiredAtMs: 9 }) });
    expect((await rig.collector.run('operator')).spared).toHaveLength(1);
  });

  test('D-35 what cannot be deleted is told, and is no deletion', async () => {
    const rig = aRig({ items: [item('m')], removal: { kind: 'failed', error: 'EPERM' } });
    const run = await rig.collector.run('operator');
    expect([run.deleted, run.failed.map(({ error }) => error), run.thresholdsMetAfter]).toEqual([[], ['EPERM'], false]);
    expect(rig.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual(['not deleted', 'disk too full: nothing more may be deleted']);
  });

  test('D-33 those who ask together share one, and a fetch has its own', async () => {
    const rig = aRig({ items: [item('a'), item('b', { lastUsedMs: 1 }), item('c', { lastUsedMs: 2 })] });
    const [one, other, room] = await Promise.all([rig.collector.run('operator'), rig.collector.run('interval'), rig.collector.makeRoom(15 * MB)]);
    expect([one === other, room, rig.state.passes, rig.ids()]).toEqual([true, null, 2, []]);
  });

  test('D-33 a disk that cannot be asked fails the pass, and the next one is a new one', async () => {
    const rig = aRig({ items: [] });
    rig.state.measureFails = true;
    await expect(rig.collector.run('operator')).rejects.toThrow('the disk is away');
    rig.state.measureFails = false;
    expect([(await rig.collector.run('operator')).trigger, rig.runs.map((run) => run === null)]).toEqual(['operator', [true, false]]);
  });
});

describe('D-66 room for a fetch', () => {
  const roomy = { usedBytes: 20 * MB, freeBytes: 80 * MB };

  test('nothing runs where it fits within the thresholds', async () => {
    const rig = aRig({ items: [item('m')], disk: roomy });
    expect([await rig.collector.makeRoom(30 * MB), rig.state.passes]).toEqual([null, 0]);
  });

  test('a threshold alone refuses nothing', async () => {
    const rig = aRig({ items: [item('m', { pinned: true })], disk: roomy });
    expect([await rig.collector.makeRoom(79 * MB), rig.ids()]).toEqual([null, ['m']]);
  });

  test('what can never fit deletes nothing and says what is kept', async () => {
    const rig = aRig({ items: [item('m', { pinned: true }), item('free')], disk: roomy });
    expect(await rig.collector.makeRoom(91 * MB)).toBe('garbage collection keeps 1 by KeepPinned (9.5 MiB), 1 by NotNeeded (9.5 MiB)');
    expect(rig.ids()).toEqual(['m', 'free']);
  });
});

describe('D-33 the interval', () => {
  test('the first pass comes within a minute, the next ones at the interval, and none after the end', async () => {
    const rig = aRig({ items: [] });
    const stop = new AbortController();
    const loop = rig.collector.loop(600_000, stop.signal);
    await rig.clock.advance(60_000);
    expect(rig.state.passes).toBe(1);
    await rig.clock.advance(599_999);
    expect(rig.state.passes).toBe(1);
    await rig.clock.advance(1);
    expect(rig.state.passes).toBe(2);
    stop.abort(new Error('the daemon stops'));
    await loop;
  });

  test('an interval of nothing runs nothing', async () => {
    const rig = aRig({ items: [] });
    await rig.collector.loop(0, new AbortController().signal);
    expect(rig.state.passes).toBe(0);
  });
});
