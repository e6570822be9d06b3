import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { poolsAt } from '../faults/served-system.js';
import { tiny, type Tiny } from '../served.js';
import { opened, startReloadable, type Reloadable } from './reloadable.js';

const LONG = 600_000;
const CLIENTS = 8;

let model: Tiny;
let served: Reloadable | undefined;

beforeAll(async () => {
  model = await tiny({ endless: true, chain: ['a', 'b'] });
}, LONG);

afterEach(async () => {
  await served?.stop();
  served = undefined;
}, LONG);

afterAll(() => model?.remove());

const manifest = (context: number) => ({ version: 1, models: { one: { ...model.model, context, slots: 4 } }, routes: { chat: { model: 'one' } } });

/** Streams without a pause until `during` has ended; the failures, and how many there were. */
async function underLoad(url: string, during: () => Promise<void>): Promise<{ readonly failures: readonly object[]; readonly count: number }> {
  const failures: object[] = [];
  let [isOver, count] = [false, 0];
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!isOver) {
      const running = await opened(url, { model: 'chat', max_tokens: 60 });
      const { failure } = await running.end;
      count += 1;
      if (running.status !== 200 || failure !== null) failures.push({ status: running.status, failure });
    }
  });
  try {
    await eventually('streams run', 120_000, async () => count >= CLIENTS);
    await during();
    const before = count;
    await eventually('streams go on', 120_000, async () => count >= before + 2 * CLIENTS);
  } finally {
    isOver = true;
    await Promise.all(clients);
  }
  return { failures, count };
}

/** What the node has of the model: ids of replicas name the definition that they were made by. */
async function replicas(corral: Reloadable['corral']): Promise<readonly string[]> {
  return (await poolsAt(corral.poolUrl)).flatMap((pool) => pool.replicas).filter(({ model_id: id }) => id === 'one').map(({ replica_id: id, state }) => `${id} ${state}`);
}

test.each([
  ['beside the old one where there is room', {}, /beside the old replica.*ends with its last request/],
  ['after the old one where there is none', { CPU_POOL_REPLICAS: '1' }, /no room beside the old replica.*drained first/],
])('T-250 F-31 F-32 a changed model is loaded %s, the reload says which, and no stream fails', async (_where, env, said) => {
  const system = await startReloadable({ manifest: manifest(512), env });
  served = system;
  let note = '';
  let first: readonly string[] = [];
  const { failures } = await underLoad(system.url, async () => {
    first = await replicas(system.corral);
    const done = await system.serve(manifest(1_024));
    expect(done.summary).toEqual({ added: [], modified: ['model:one'], removed: [], unchanged: ['route:chat'] });
    note = done.notes.join('\n');
  });
  expect(note).toMatch(said);
  expect(failures).toEqual([]);
  await eventually('the new replica alone is left', 120_000, async () => {
    const now = await replicas(system.corral);
    return now.length === 1 && now[0]?.endsWith(' resident') === true && now[0] !== first[0];
  });
  expect((await system.status()).bindings.filter(({ id, state }) => id === 'model:one' && state === 'active').map(({ version }) => version)).toEqual([2]);
}, LONG);

test('F-31 a reload that adds a route and changes another one’s priority touches no replica', async () => {
  const system = await startReloadable({ manifest: manifest(512) });
  served = system;
  const running = await opened(system.url, { model: 'chat', max_tokens: 4 });
  await running.end;
  const before = await replicas(system.corral);
  const next = manifest(512);
  const done = await system.serve({ ...next, routes: { chat: { model: 'one', priority: 'batch' }, more: { model: 'one', tier: 'demand', ttl_s: 600 } } });
  expect([done.notes, done.summary]).toEqual([[], { added: ['route:more'], modified: ['route:chat'], removed: [], unchanged: ['model:one'] }]);
  expect([before.length, await replicas(system.corral)]).toEqual([1, before]);
}, LONG);
