import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import { processesOf } from '../faults/processes.js';
import { startSystem, type System } from '../faults/served-system.js';
import { orgsOf, statsOf, type Org } from '../instances/orgs.js';
import { tiny, type Tiny } from '../served.js';

let system: System;
let models: readonly Tiny[];
let acme: Org;
let admin: string;

beforeAll(async () => {
  models = [await tiny({}, { context: 1_024 }), await tiny({ seed: 2 }, { context: 1_024 }), await tiny({ seed: 3, endless: true }, { context: 4_096 })];
  const [a, b, c] = models.map(({ model }) => model) as [object, object, object];
  system = await startSystem({ models: { a, b, c }, orchestratord: { swap_quantum_ms: 0 }, env: { CPU_POOL_REPLICAS: '3', HOT_CEILING: '2' } });
  const made = await orgsOf(system.corral.url, 'acme');
  ({ admin } = made);
  [acme] = made.orgs as unknown as [Org];
}, 180_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

const typesOf = async (instanceId: string): Promise<readonly string[]> => (await acme.events(instanceId)).map(({ type }) => type);

describe('tiers, on a pool that holds three and a ceiling of two', () => {
  test('C-60 C-200 a warm instance is staged when it is made, and is no more than that', async () => {
    await acme.create({ instance_id: 'warm', model: 'a', tier: 'warm' });
    expect(await acme.until('warm', { residency: 'staged' })).toMatchObject({ held_tier: 'warm', is_ready: false });
    expect(await acme.chat('warm')).toMatchObject({ status: 503, code: 'INSTANCE_NOT_LOADED' });
  }, 90_000);

  test('T-86 C-66 ten requests at once for what is not loaded make one load', async () => {
    await acme.create({ instance_id: 'demand', model: 'b', tier: 'demand', ttl_s: 2 });
    const answers = await Promise.all(Array.from({ length: 10 }, async () => await acme.chat('demand')));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect((await typesOf('demand')).filter((type) => type === 'loaded')).toHaveLength(1);
  }, 90_000);

  test('T-84 T-87 C-65 unused for its time to live it leaves, and not while it works', async () => {
    await acme.until('demand', { is_ready: false });
    await acme.create({ instance_id: 'busy', model: 'c', tier: 'demand', ttl_s: 1 });
    const answer = acme.chat('busy', { max_tokens: undefined });
    await acme.until('busy', { is_ready: true });
    let isDone = false;
    const watched = (async () => {
      while (!isDone) if ((await acme.get('busy')).residency !== 'resident' && !isDone) throw new Error('it left while it worked');
    })();
    expect((await answer.finally(() => (isDone = true))).status).toBe(200);
    await watched;
    await acme.until('busy', { is_ready: false });
  }, 120_000);

  test('T-83 C-63 a third hot instance sends the one that was not used for longest to RAM', async () => {
    await acme.loaded('warm', 'hot');
    await acme.loaded('demand', 'hot');
    expect((await acme.chat('warm')).status).toBe(200);
    await acme.loaded('busy', 'hot');
    expect(await acme.until('demand', { is_ready: false })).toMatchObject({ held_tier: 'warm' });
    expect(await acme.get('warm')).toMatchObject({ held_tier: 'hot', is_ready: true });
  }, 120_000);

  test('T-89 C-67 what is hot is hot again after a restart of both daemons, and nothing else', async () => {
    const { orchestratord, poolManagerd } = await processesOf(system.corral);
    for (const pid of [poolManagerd, orchestratord]) process.kill(pid, 'SIGKILL');
    await eventually('they are others', 60_000, async () => {
      const now = await processesOf(system.corral);
      return now.orchestratord !== orchestratord && now.poolManagerd !== poolManagerd;
    });
    await eventually('both are ready again', 60_000, async () => (await acme.get('warm').catch(() => null))?.is_ready === true && (await acme.get('busy')).is_ready);
    expect(await acme.get('demand')).toMatchObject({ is_ready: false });
    const { hot_tier_count, warm_tier_count, cold_tier_count, demand_tier_count } = await statsOf(system.corral.url, admin);
    expect({ hot_tier_count, warm_tier_count, cold_tier_count, demand_tier_count }).toEqual({ hot_tier_count: 1, warm_tier_count: 0, cold_tier_count: 0, demand_tier_count: 2 });
  }, 120_000);
});
