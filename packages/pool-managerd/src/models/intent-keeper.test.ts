import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { CatalogStore } from '@corral/catalog-core/fs';
import type { NodeCatalog } from '@corral/contracts';
import { silentLog, systemClock } from '@corral/service-kit';
import { IntentKeeper } from './intent-keeper.js';

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function aKeeper(pull: () => Promise<NodeCatalog>, dir?: string) {
  const folder = dir ?? (await mkdtemp(join(tmpdir(), 'corral-intent-')));
  folders.push(folder);
  const path = join(folder, 'intent.json');
  const store = { revision: 0, list: () => [] } as unknown as CatalogStore;
  const keeper = await IntentKeeper.open({ path, store, clock: systemClock, log: silentLog, pull, deleteModel: () => Promise.resolve({ kind: 'kept' }), onApplied: () => undefined });
  return { keeper, path, folder };
}

const name = (version: number, orchestratorIncarnation = 'o1') => ({ orchestratorIncarnation, version });
const applied = (catalog_version: number, orchestrator_incarnation = 'o1') => ({ orchestrator_incarnation, catalog_version, not_applied: [] });

describe('IntentKeeper', () => {
  test('D-61 a pull that fails is tried again with the next answer, not before, and what was applied stays', async () => {
    const pulls: number[] = [];
    let isDown = true;
    const { keeper } = await aKeeper(() => {
      pulls.push(1);
      return isDown ? Promise.reject(new Error('connection refused')) : Promise.resolve({ catalog_version: 4, models: [] });
    });
    keeper.saw(name(4));
    await keeper.refresh();
    expect([pulls.length, keeper.applied()]).toEqual([2, undefined]);
    keeper.look();
    keeper.look();
    expect(pulls.length).toBe(2);
    isDown = false;
    await keeper.refresh();
    expect([pulls.length, keeper.applied()]).toEqual([3, applied(4)]);
    keeper.saw(name(4));
    await keeper.close();
    expect(pulls.length).toBe(3);
  });

  test('D-61 a kept intent is read again; one that cannot be read is asked for anew', async () => {
    const { keeper, path, folder } = await aKeeper(() => Promise.resolve({ catalog_version: 2, models: [{ model_id: 'org/a:b', digest: null, sources: [], state: 'Retired', pinned: true, retired_at_ms: 5 }] }));
    keeper.saw(name(2));
    await keeper.close();
    expect((await aKeeper(() => Promise.reject(new Error('not asked')), folder)).keeper.applied()).toEqual(applied(2));
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.slice(0, -10));
    const again = await aKeeper(() => Promise.resolve({ catalog_version: 3, models: [] }), folder);
    expect(again.keeper.applied()).toBeUndefined();
    again.keeper.saw(name(3, 'o2'));
    await again.keeper.close();
    expect(again.keeper.applied()).toEqual(applied(3, 'o2'));
  });

  test('D-61 nothing is taken from a control plane that this node has not heard', async () => {
    let pulls = 0;
    const { keeper } = await aKeeper(() => {
      pulls += 1;
      return Promise.resolve({ catalog_version: 1, models: [] });
    });
    await keeper.refresh();
    expect([pulls, keeper.applied()]).toEqual([0, undefined]);
  });
});
