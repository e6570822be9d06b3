import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { silentLog, systemClock } from '@corral/service-kit';
import { CrashingWriters } from '@corral/test-kit';
import { listAssignments } from '../src/store/assignment-rows.js';
import { listInstances } from '../src/store/instance-rows.js';
import { openStore } from '../src/store/open-store.js';
import { unsentCommands } from '../src/store/outbox-rows.js';
import { aFolder, removeFolders } from './fixtures.js';

const writers = new CrashingWriters();
afterEach(async () => {
  await writers.killAll();
  await removeFolders();
});

function startWriter(stateDir: string, round: number): ChildProcess {
  return writers.start(new URL('store-writer.mjs', import.meta.url), [stateDir, String(round)], new URL('../dist/store/open-store.js', import.meta.url));
}

test('E-20 E-10 G-22 after kill -9 in the middle of writes every committed row is there, assignment and outbox together', async () => {
  const stateDir = await aFolder();
  let promised = 0;
  for (let round = 0; round < 6; round += 1) {
    const writer = startWriter(stateDir, round);
    writer.on('message', (message: 'open' | { committed: number }) => {
      if (message !== 'open') promised = message.committed;
    });
    await once(writer, 'message');
    const before = promised;
    while (promised < before + 3) await once(writer, 'message');
    await writers.kill(writer);

    const store = await openStore({ stateDir, clock: systemClock, log: silentLog });
    const [instance] = await listInstances(store.db);
    const [assignment] = await listAssignments(store.db);
    const commands = await unsentCommands(store.db, 'n', 100_000);
    await store.close();
    const generation = instance?.generation ?? 0;
    expect(generation).toBeGreaterThanOrEqual(promised);
    expect(assignment?.generation).toBe(generation);
    expect(commands.map((c) => c.command.data.generation)).toEqual(Array.from({ length: generation }, (_, n) => n + 1));
  }
}, 600_000);

test('E-21 a second orchestratord on the same state directory is refused, with the pid of the first and what to do', async () => {
  const stateDir = await aFolder();
  const writer = startWriter(stateDir, 0);
  await once(writer, 'message');
  const second = openStore({ stateDir, clock: systemClock, log: silentLog });
  await expect(second).rejects.toMatchObject({
    code: 'LOCKED',
    message: `orchestratord with pid ${writer.pid} uses the state directory ${stateDir}; stop it, or give this one another --state-dir`,
  });
});
