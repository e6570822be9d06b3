import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { silentLog, systemClock } from '@corral/service-kit';
import { aCommand, aFolder, anAssignment, anInstance, removeFolders } from '../../test/fixtures.js';
import { deleteAssignment, listAssignments, putAssignment } from './assignment-rows.js';
import { deleteInstance, listInstances, nextGeneration, putInstance } from './instance-rows.js';
import { openStore, type Store } from './open-store.js';
import { addCommand, dropSuperseded, dropUnsent, markFailed, markSent, nodesWithCommands, pruneSent, unsentCommands } from './outbox-rows.js';

const open: Store[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  await removeFolders();
});

async function aStore(stateDir?: string): Promise<Store> {
  const store = await openStore({ stateDir: stateDir ?? (await aFolder()), clock: { ...systemClock, nowMs: () => 1_000 }, log: silentLog });
  open.push(store);
  return store;
}

const key = { orgId: 'default', instanceId: 'model.smollm2' };

describe('opening', () => {
  test('E-21 the same directory cannot be opened twice, and can be after it was closed', async () => {
    const stateDir = await aFolder();
    const first = await aStore(stateDir);
    await expect(aStore(stateDir)).rejects.toMatchObject({ code: 'LOCKED' });
    open.splice(open.indexOf(first), 1);
    await first.close();
    await expect(aStore(stateDir)).resolves.toBeDefined();
  });

  test('E-22 a store of a newer version is refused and stays as it is', async () => {
    const stateDir = await aFolder();
    const store = await aStore(stateDir);
    await store.db.withTables<{ kysely_migration: { name: string; timestamp: string } }>().insertInto('kysely_migration').values({ name: '9999-later', timestamp: 'x' }).execute();
    await open.pop()?.close();
    await expect(aStore(stateDir)).rejects.toMatchObject({ code: 'NEWER_SCHEMA', message: expect.stringContaining('9999-later') });
    await expect(aStore(stateDir)).rejects.toMatchObject({ code: 'NEWER_SCHEMA' });
  });

  test('E-22 a file that is no database is refused with the next step', async () => {
    const stateDir = await aFolder();
    await writeFile(join(stateDir, 'corral.db'), 'not a database, but long enough to have a header of one hundred bytes'.repeat(3));
    await expect(aStore(stateDir)).rejects.toMatchObject({ code: 'UNREADABLE', message: expect.stringContaining('move it away') });
  });

  test('E-20 commits are synced to disk before they are reported', async () => {
    const { db } = await aStore();
    const { sql } = await import('kysely');
    const [synchronous] = (await sql<{ synchronous: number }>`pragma synchronous`.execute(db)).rows;
    const [journal] = (await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db)).rows;
    expect([synchronous, journal]).toEqual([{ synchronous: 2 }, { journal_mode: 'wal' }]);
  });
});

describe('instances', () => {
  test('E-10 the generation survives a change, a deletion and a new beginning', async () => {
    const { db } = await aStore();
    await putInstance(db, anInstance(), 1);
    expect([await nextGeneration(db, key), await nextGeneration(db, key)]).toEqual([1, 2]);
    expect(await deleteInstance(db, key, 2)).toBe(true);
    expect(await deleteInstance(db, key, 3)).toBe(false);
    expect(await listInstances(db)).toEqual([]);
    const again = await putInstance(db, anInstance({ tier: 'hot', configHash: 'c1', config: { temperature: 0.2 } }), 4);
    expect(again).toEqual({ ...anInstance({ tier: 'hot', configHash: 'c1', config: { temperature: 0.2 } }), generation: 2, heldTier: null, lastUsedAtMs: null, createdAtMs: 1, updatedAtMs: 4, deletedAtMs: null });
    expect(await nextGeneration(db, key)).toBe(3);
  });

  test('E-20 an instance needs its org', async () => {
    const { db } = await aStore();
    await expect(putInstance(db, anInstance({ orgId: 'nobody' }), 1)).rejects.toThrow('FOREIGN KEY');
  });

  test('E-20 a transaction that fails leaves neither row', async () => {
    const { db } = await aStore();
    await putInstance(db, anInstance(), 1);
    const command = aCommand();
    await addCommand(db, command, 1);
    const failing = db.transaction().execute(async (tx) => {
      await putAssignment(tx, anAssignment(), 1);
      await addCommand(tx, command, 1);
    });
    await expect(failing).rejects.toThrow('UNIQUE');
    expect([await listAssignments(db), (await unsentCommands(db, 'n1', 10)).length]).toEqual([[], 1]);
  });
});

describe('assignments', () => {
  test('E-10 an instance has one wanted assignment, whole, until it is wanted nowhere', async () => {
    const { db } = await aStore();
    await putInstance(db, anInstance(), 1);
    await putAssignment(db, anAssignment(), 1);
    const moved = anAssignment({ generation: 2, target: { node_id: 'n2', pool_id: 'p9' }, wanted: 'on_disk' });
    await putAssignment(db, moved, 2);
    expect(await listAssignments(db)).toEqual([moved]);
    await deleteAssignment(db, key);
    expect(await listAssignments(db)).toEqual([]);
  });
});

describe('outbox', () => {
  test('E-08 E-10 commands come back in order, per node, until they are marked as sent', async () => {
    const { db } = await aStore();
    const [a, b, c] = [aCommand({ generation: 1 }), aCommand({ generation: 2 }), aCommand({ target: { node_id: 'n2', pool_id: 'p' } })];
    for (const command of [a, b, c]) await addCommand(db, command, 1);
    expect(await nodesWithCommands(db)).toEqual(['n1', 'n2']);
    const [first] = await unsentCommands(db, 'n1', 10);
    await markFailed(db, first?.id ?? 0, 'connection refused');
    await markFailed(db, first?.id ?? 0, 'connection refused');
    expect((await unsentCommands(db, 'n1', 10)).map(({ command, attempts }) => [command, attempts])).toEqual([[a, 2], [b, 0]]);
    await markSent(db, [first?.id ?? 0], 5);
    expect((await unsentCommands(db, 'n1', 10)).map(({ command }) => command)).toEqual([b]);
    expect(await pruneSent(db, 5)).toBe(0);
    expect(await pruneSent(db, 6)).toBe(1);
  });

  test('E-10 a node that is away for long costs one row per instance', async () => {
    const { db } = await aStore();
    const last = aCommand({ generation: 300, wanted: 'on_disk' });
    for (let generation = 1; generation < 5; generation += 1) await addCommand(db, aCommand({ generation }), 1);
    const other = aCommand({ instance_id: 'model.other', generation: 1 });
    const elsewhere = aCommand({ generation: 1, target: { node_id: 'n2', pool_id: 'p' } });
    for (const command of [other, last, elsewhere]) await addCommand(db, command, 1);
    expect(await dropSuperseded(db, 'n1')).toBe(4);
    expect((await unsentCommands(db, 'n1', 10)).map(({ command }) => command)).toEqual([other, last]);
    expect((await unsentCommands(db, 'n2', 10)).map(({ command }) => command)).toEqual([elsewhere]);
  });

  test('E-10 after a full set only what was queued later is left', async () => {
    const { db } = await aStore();
    await addCommand(db, aCommand({ generation: 1 }), 1);
    const [entry] = await unsentCommands(db, 'n1', 10);
    const later = aCommand({ generation: 2 });
    await addCommand(db, later, 1);
    expect(await dropUnsent(db, 'n1', entry?.id ?? 0)).toBe(1);
    expect((await unsentCommands(db, 'n1', 10)).map(({ command }) => command)).toEqual([later]);
  });
});
