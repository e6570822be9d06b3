import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { EngineEntry } from '@corral/catalog-core';
import { openEngines } from '@corral/catalog-core/fs';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { collectableEngines } from './collectable-engines.js';
import { GarbageCollector } from './garbage-collector.js';

const cleanUp: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of cleanUp.splice(0).reverse()) await step();
});

const anEngine = (id: string, changes: Partial<EngineEntry> = {}): EngineEntry => ({
  id, engine: 'llamacpp', version: '3.0.0', buildRef: null, digest: null, buildFlags: [], artifacts: [{ path: 'addon.node', sizeBytes: 5, digest: `sha256:${'cd'.repeat(32)}` }],
  createdMs: 1, mode: 'package', location: '/usr/lib/engine', inPlace: true, deviceKinds: ['cpu'], chosenFor: [], gain: null,
  verification: { result: 'warn', reason: 'no digest was given' }, lastVerifiedMs: 2, state: 'Retired', retiredAtMs: 1, pinned: false, lastUsedMs: null, ...changes,
});

/** Bundles with files of their own, and one that came with the program; all retired. */
async function aRig(ids: readonly string[], { usedBy = () => [], isOnDisk = true }: { readonly usedBy?: (entry: EngineEntry) => readonly string[]; readonly isOnDisk?: boolean } = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'corral-gc-engines-'));
  cleanUp.push(() => rm(dir, { recursive: true }));
  const { store } = await openEngines(dir);
  cleanUp.push(() => store.close());
  for (const id of ids) {
    const folder = await store.createPartialFolder();
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'addon.node'), 'build');
    await store.publish(folder, anEngine(id));
  }
  await store.put(anEngine('built-in'));
  const collect = (deleteRetiredAfterMs: number | null) =>
    new GarbageCollector({
      sources: [collectableEngines({ store, usedBy, isOnDisk: () => isOnDisk, log: silentLog })],
      policy: { maxDiskUsagePercent: 10, minFreeBytes: 0, rules: { keepActive: true, keepUsedWithinMs: null, deleteRetiredAfterMs } },
      path: dir,
      measure: () => Promise.resolve({ usedBytes: 90, freeBytes: 10 }),
      clock: new FakeClock(1_000),
      log: silentLog,
      onRun: () => {},
    }).run('operator');
  return { store, collect, folders: async () => (await readdir(dir, { withFileTypes: true })).filter((one) => one.isDirectory() && !one.name.startsWith('.')).map(({ name }) => name).toSorted() };
}

test('D-32 D-75 a bundle that nobody uses goes by the rules with its files; one in use, a pinned one and what came with the program stay', async () => {
  const { store, collect, folders } = await aRig(['old', 'used', 'dear'], { usedBy: ({ id }) => (id === 'used' ? ['replica r-1'] : []) });
  await store.update('dear', (entry) => ({ ...entry, pinned: true }));
  const run = await collect(0);
  expect(run.deleted.map(({ item, rule, freedBytes }) => [item.kind, item.id, rule, freedBytes])).toEqual([['engine', 'old', 'DeleteRetired', 5]]);
  expect(run.plan.kept.map(({ item, rule, reason }) => [item.id, rule, reason])).toEqual([
    ['used', 'InUse', 'replica r-1'],
    ['dear', 'KeepPinned', 'an operator has pinned it'],
    ['built-in', 'InUse', 'it came with the program'],
  ]);
  expect([store.get('old'), await folders()]).toEqual([null, ['dear', 'used']]);
});

test('D-65 a bundle that comes into use after the plan was made stays', async () => {
  let looks = 0;
  const { collect, folders } = await aRig(['old'], { usedBy: () => ((looks += 1) > 1 ? ['replica r-1'] : []) });
  expect((await collect(0)).spared.map(({ item }) => item.id)).toEqual(['old']);
  expect(await folders()).toEqual(['old']);
});

test('D-34 bundles on another disk do not go for room on this one', async () => {
  const { collect, folders } = await aRig(['old'], { isOnDisk: false });
  expect([(await collect(null)).deleted, await folders()]).toEqual([[], ['old']]);
  const here = await aRig(['old']);
  expect((await here.collect(null)).deleted.map(({ rule }) => rule)).toEqual(['Pressure']);
});
