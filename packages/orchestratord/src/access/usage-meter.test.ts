import { afterAll, afterEach, expect, test } from '@jest/globals';
import { recordingLog, silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { openStore, type Store } from '../store/open-store.js';
import { UsageMeter } from './usage-meter.js';

const opened: Store[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((store) => store.close()))));
afterAll(removeFolders);

async function aStore(clock: FakeClock): Promise<Store> {
  const store = await openStore({ stateDir: await aFolder(), clock, log: silentLog });
  opened.push(store);
  return store;
}

const ALL = { orgId: null, keyId: null, after: null, limit: 100 };
const acme = { orgId: 'acme', keyId: 'k1' };

test('B-136 what came together is written in one go, and adds to what is there', async () => {
  const clock = new FakeClock(5_000);
  const store = await aStore(clock);
  const meter = new UsageMeter({ store, clock, log: silentLog, flushMs: 1_000 });
  meter.start();
  meter.count(acme, { tokensIn: 3, tokensOut: 4 });
  meter.count(acme, { tokensIn: 1, tokensOut: 0 });
  meter.count({ orgId: 'default', keyId: null }, { tokensIn: 0, tokensOut: 7 });
  expect(await store.db.selectFrom('key_usage').selectAll().execute()).toEqual([]);
  await meter.flush();
  await clock.advance(100);
  meter.count(acme, { tokensIn: 1, tokensOut: 1 });
  expect(await meter.list(ALL)).toEqual([
    { ...acme, requests: 3, tokensIn: 5, tokensOut: 5, lastUsedAtMs: 5_100 },
    { orgId: 'default', keyId: null, requests: 1, tokensIn: 0, tokensOut: 7, lastUsedAtMs: 5_000 },
  ]);
  expect(await meter.list({ ...ALL, after: acme })).toEqual([expect.objectContaining({ orgId: 'default' })]);
  expect(await meter.list({ ...ALL, keyId: 'k1', limit: 1 })).toEqual([expect.objectContaining(acme)]);
  await meter.close();
});

test('B-136 the end writes what was counted, and what could not be written is counted again', async () => {
  const clock = new FakeClock(0);
  const store = await aStore(clock);
  const { log, lines } = recordingLog();
  const meter = new UsageMeter({ store, clock, log, flushMs: 1_000 });
  meter.start();
  meter.count(acme, { tokensIn: 1, tokensOut: 2 });
  await store.db.schema.alterTable('key_usage').renameTo('elsewhere').execute();
  await meter.flush();
  expect(lines.map(({ level, message }) => ({ level, message }))).toEqual([{ level: 'error', message: 'usage not written' }]);
  await store.db.schema.alterTable('elsewhere').renameTo('key_usage').execute();
  meter.count(acme, { tokensIn: 1, tokensOut: 2 });
  await meter.close();
  expect(await store.db.selectFrom('key_usage').selectAll().execute()).toEqual([{ org_id: 'acme', key_id: 'k1', requests: 2, tokens_in: 2, tokens_out: 4, last_used_at: 0 }]);
});
