import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test } from '@jest/globals';
import { silentLog, systemClock } from '@corral/service-kit';
import { CrashingWriters } from '@corral/test-kit';
import { readCatalog } from '../src/store/model-rows.js';
import { openStore } from '../src/store/open-store.js';
import { aFolder, removeFolders } from './fixtures.js';

const writers = new CrashingWriters();
afterEach(async () => {
  await writers.killAll();
  await removeFolders();
});

const ROUNDS = 5;
/** Models of each round; two and a half changes each on average, so that all rounds make 10,000. */
const MODELS = 800;

interface Acknowledged {
  readonly id: string;
  /** 0 registered, 1 pinned too, 2 retired too, 3 purged too. */
  readonly kind: number;
}

function startWriter(stateDir: string, from: number): ChildProcess {
  return writers.start(new URL('catalog-writer.mjs', import.meta.url), [stateDir, String(from), String(MODELS)], new URL('../dist/catalog/catalog-calls.js', import.meta.url));
}

test('A-164 10,000 changes of 8 writers, with kill -9 in between: what was acknowledged is there, whole, and the version never went back', async () => {
  const stateDir = await aFolder();
  const acknowledged = new Map<string, number>();
  let version = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const writer = startWriter(stateDir, round * MODELS);
    let isDone = false;
    writer.on('message', (message: 'open' | 'done' | Acknowledged) => {
      if (message === 'done') isDone = true;
      else if (message !== 'open') acknowledged.set(message.id, message.kind);
    });
    const until = round === ROUNDS - 1 ? Number.POSITIVE_INFINITY : round * MODELS + MODELS / 2;
    while (!isDone && acknowledged.size < until) await once(writer, 'message');
    await writers.kill(writer);

    const store = await openStore({ stateDir, clock: systemClock, log: silentLog });
    const read = await readCatalog(store.db);
    await store.close();
    expect(read.version).toBeGreaterThan(version);
    version = read.version;
    const byId = new Map(read.intents.map((intent) => [intent.modelId, intent]));
    for (const [id, kind] of acknowledged) {
      const intent = byId.get(id);
      expect([id, intent?.pinOverride === true, intent?.state, intent?.removedAtMs != null]).toEqual([id, kind > 0, kind > 1 ? 'Retired' : 'Active', kind > 2]);
    }
    for (const { modelId, sources, tags, context } of read.intents) expect([modelId, sources, tags, context]).toEqual([modelId, [`file:/models/${modelId.slice(2)}.gguf`], ['a', 'b'], 2_048]);
  }
  expect(acknowledged.size).toBeGreaterThan(MODELS);
}, 600_000);
