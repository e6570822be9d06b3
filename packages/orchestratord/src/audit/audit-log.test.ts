import { afterAll, afterEach, expect, test } from '@jest/globals';
import { silentLog } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { aFolder, removeFolders } from '../../test/fixtures.js';
import { openStore, type Store } from '../store/open-store.js';
import { AuditLog } from './audit-log.js';
import type { AuditRecord } from './audit.js';

const opened: Store[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((store) => store.close()))));
afterAll(removeFolders);

async function anAudit(retentionMs = 1_000) {
  const clock = new FakeClock(10_000);
  const store = await openStore({ stateDir: await aFolder(), clock, log: silentLog });
  opened.push(store);
  return { clock, store, audit: new AuditLog({ store, clock, log: silentLog, retentionMs }) };
}

const entry = (over: Partial<AuditRecord> = {}): AuditRecord => ({ action: 'load', source: 'api_load', actor: 'key:k1', orgId: 'acme', instanceId: 'bot', outcome: 'granted', correlationId: 'c1', ...over });
const ALL = { instanceId: null, orgId: null, beforeId: null, limit: 100 };

test('B-114 a record is there when its call returns, the newest first, and can be asked for by instance and org', async () => {
  const { audit } = await anAudit();
  await audit.record(entry());
  await audit.record(entry({ instanceId: 'other', outcome: 'refused', detail: { code: 'ORG_ACCESS_DENIED' } }));
  await audit.record(entry({ orgId: 'beta', instanceId: null }));
  const all = await audit.list(ALL);
  expect(all.map(({ id: _id, ...rest }) => rest)).toEqual([
    { ...entry({ orgId: 'beta', instanceId: null }), atMs: 10_000 },
    { ...entry({ instanceId: 'other', outcome: 'refused', detail: { code: 'ORG_ACCESS_DENIED' } }), atMs: 10_000 },
    { ...entry(), atMs: 10_000 },
  ]);
  expect((await audit.list({ ...ALL, instanceId: 'bot' })).map(({ orgId }) => orgId)).toEqual(['acme']);
  expect((await audit.list({ ...ALL, orgId: 'acme', limit: 1 })).map(({ instanceId }) => instanceId)).toEqual(['other']);
  expect((await audit.list({ ...ALL, beforeId: all[1]?.id ?? 0 })).map(({ instanceId }) => instanceId)).toEqual(['bot']);
});

test('B-114 many records at once are all written, in their order', async () => {
  const { audit } = await anAudit();
  await Promise.all(Array.from({ length: 500 }, (_, n) => audit.record(entry({ correlationId: `c${n}` }))));
  expect((await audit.list({ ...ALL, limit: 1_000 })).map(({ correlationId }) => correlationId)).toEqual(Array.from({ length: 500 }, (_, n) => `c${499 - n}`));
});

test('B-114 a record that the store does not take is not reported as written', async () => {
  const { audit, store } = await anAudit();
  await store.db.schema.alterTable('audit').renameTo('elsewhere').execute();
  await expect(audit.record(entry())).rejects.toThrow('no such table');
  await store.db.schema.alterTable('elsewhere').renameTo('audit').execute();
  await audit.record(entry({ correlationId: 'after' }));
  expect((await audit.list(ALL)).map(({ correlationId }) => correlationId)).toEqual(['after']);
});

test('B-114 entries go when their retention is over, and not before', async () => {
  const { audit, clock } = await anAudit(3_600_000);
  await audit.record(entry({ correlationId: 'old' }));
  await clock.advance(1_800_000);
  await audit.record(entry({ correlationId: 'young' }));
  audit.start();
  await clock.advance(1_800_001);
  await clock.advance(1_800_000);
  for (let tries = 0; tries < 200 && (await audit.list(ALL)).length > 1; tries += 1) await new Promise((resolve) => setImmediate(resolve));
  expect((await audit.list(ALL)).map(({ correlationId }) => correlationId)).toEqual(['young']);
  await audit.close();
});
