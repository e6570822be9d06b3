import { afterAll, afterEach, expect, test } from '@jest/globals';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { openStore, type Store } from '../store/open-store.js';
import { KeyRing, type NewKey } from './key-ring.js';

const opened: Store[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((store) => store.close()))));
afterAll(removeFolders);

async function aRing(clock = new FakeClock(1_000_000), stateDir?: string): Promise<{ readonly ring: KeyRing; readonly store: Store; readonly stateDir: string }> {
  const folder = stateDir ?? (await aFolder());
  const store = await openStore({ stateDir: folder, clock, log: silentLog });
  opened.push(store);
  return { ring: await KeyRing.open(store), store, stateDir: folder };
}

const wanted = (over: Partial<NewKey> = {}): NewKey => ({ orgId: 'default', role: 'system_admin', name: '', expiresAtMs: null, allowedModels: null, requestsPerMinute: null, ...over });

test('B-131 the store has the hash of a key and nothing that gives the key back', async () => {
  const { ring, store } = await aRing();
  const { key, text } = await ring.create(wanted({ name: 'first' }));
  const rows = await store.db.selectFrom('api_keys').selectAll().execute();
  expect(rows).toEqual([{ key_id: key.keyId, org_id: 'default', role: 'system_admin', name: 'first', hash: key.hash.toString('hex'), allowed_models: null, requests_per_minute: null, created_at: 1_000_000, expires_at: null, revoked_at: null }]);
  expect([text.length, JSON.stringify(rows).includes(text.slice(20)), ring.find(text)]).toEqual([63, false, key]);
});

test('B-131 nothing but the whole text is the key', async () => {
  const { ring } = await aRing();
  const { key, text } = await ring.create(wanted());
  const { text: other } = await ring.create(wanted());
  const swapped = `ck_${key.keyId}_${other.slice(20)}`;
  const wrong = ['', 'ck_', text.slice(0, -1), `${text}x`, ` ${text}`, text.toUpperCase(), key.keyId, key.hash.toString('hex'), swapped, `ck_${'0'.repeat(16)}_${text.slice(20)}`];
  expect(wrong.filter((one) => ring.find(one) !== undefined)).toEqual([]);
});

test('B-131 a revoked key and an expired one are refused by name from that moment on, also after a restart', async () => {
  const clock = new FakeClock(1_000_000);
  const { ring, store, stateDir } = await aRing(clock);
  const revoked = await ring.create(wanted());
  const expiring = await ring.create(wanted({ expiresAtMs: 1_000_500 }));
  await ring.revoke(revoked.key.keyId);
  expect(() => ring.find(revoked.text)).toThrow(`key ${revoked.key.keyId} was revoked`);
  expect(ring.find(expiring.text)).toEqual(expiring.key);
  await clock.advance(500);
  expect(() => ring.find(expiring.text)).toThrow(`key ${expiring.key.keyId} has expired`);
  await expect(ring.revoke(revoked.key.keyId)).rejects.toMatchObject({ code: 'GONE' });
  await expect(ring.revoke('nobody')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await store.close();
  opened.pop();
  const again = await aRing(clock, stateDir);
  expect(() => again.ring.find(revoked.text)).toThrow('was revoked');
  expect(() => again.ring.find(expiring.text)).toThrow('has expired');
});

test('B-132 the first key is a system_admin’s, whatever comes at once, and keys stay in use when all are revoked', async () => {
  const { ring } = await aRing();
  const made = await Promise.allSettled([ring.create(wanted({ role: 'member' })), ring.create(wanted()), ring.create(wanted({ role: 'member' }))]);
  expect([made.map(({ status }) => status), ring.inUse]).toEqual([['rejected', 'fulfilled', 'fulfilled'], true]);
  for (const { keyId } of ring.list()) await ring.revoke(keyId);
  expect([ring.inUse, ring.activeOf('default')]).toEqual([true, []]);
});

test('B-131 a key of an org that is not in the store is not there afterwards', async () => {
  const { ring } = await aRing();
  await expect(ring.create(wanted({ orgId: 'nobody' }))).rejects.toThrow('FOREIGN KEY');
  expect([ring.list(), ring.inUse]).toEqual([[], false]);
});
