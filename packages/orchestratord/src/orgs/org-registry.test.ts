import { afterAll, afterEach, expect, test } from '@jest/globals';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { openStore, type Store } from '../store/open-store.js';
import { OrgRegistry } from './org-registry.js';

const opened: Store[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((store) => store.close()))));
afterAll(removeFolders);

async function open(stateDir: string): Promise<OrgRegistry> {
  const store = await openStore({ stateDir, clock: new FakeClock(1_000), log: silentLog });
  opened.push(store);
  return OrgRegistry.open(store);
}

test('B-134 an org goes only when nothing is left in it, its id is free again, and default never goes', async () => {
  const stateDir = await aFolder();
  const orgs = await open(stateDir);
  expect(await orgs.create('acme')).toEqual({ orgId: 'acme', createdAtMs: 1_000, deletedAtMs: null });
  await expect(orgs.create('acme')).rejects.toMatchObject({ code: 'CONFLICT' });
  await expect(orgs.delete('acme', () => 'it has 1 key')).rejects.toMatchObject({ code: 'CONFLICT', message: 'it has 1 key' });
  await expect(orgs.delete('default', () => null)).rejects.toMatchObject({ code: 'CONFLICT' });
  await orgs.delete('acme', () => null);
  expect(orgs.ids()).toEqual(['default']);
  expect(() => orgs.get('acme')).toThrow('org acme was deleted');
  await expect(orgs.delete('acme', () => null)).rejects.toMatchObject({ code: 'GONE' });
  await opened.pop()?.close();

  const again = await open(stateDir);
  expect(() => again.get('acme')).toThrow('org acme was deleted');
  await again.create('acme');
  expect(again.ids()).toEqual(['acme', 'default']);
});

test('B-111 an unknown org is named, with what is near', async () => {
  const orgs = await open(await aFolder());
  await orgs.create('acme');
  expect(() => orgs.get('acmee')).toThrow('there is no org acmee; did you mean acme?');
});
