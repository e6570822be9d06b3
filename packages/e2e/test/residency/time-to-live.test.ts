import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startSystem, type System } from '../faults/served-system.js';
import { orgsOf, type Org } from '../instances/orgs.js';
import { tiny, type Tiny } from '../served.js';

let system: System;
let models: readonly Tiny[];
let acme: Org;

beforeAll(async () => {
  models = [await tiny({}, { context: 1_024 }), await tiny({ seed: 2 }, { context: 1_024 }), await tiny({ seed: 3, endless: true }, { context: 4_096 })];
  const [a, b, c] = models.map(({ model }) => model) as [object, object, object];
  system = await startSystem({ models: { a, b, c }, orchestratord: { swap_quantum_ms: 0 }, env: { CPU_POOL_REPLICAS: '1' } });
  [acme] = (await orgsOf(system.corral.url, 'acme')).orgs as unknown as [Org];
}, 600_000);

afterAll(async () => {
  await system.stop();
  for (const model of models) await model.remove();
});

describe('tiers and times to live', () => {
  test('C-60 C-200 a warm instance is staged when it is made, and is no more than that', async () => {
    await acme.create({ instance_id: 'warm', model: 'a', tier: 'warm' });
    expect(await acme.until('warm', { residency: 'staged' })).toMatchObject({ held_tier: 'warm', is_ready: false });
    expect(await acme.chat('warm')).toMatchObject({ status: 503, code: 'INSTANCE_NOT_LOADED' });
  }, 600_000);

  test('T-84 T-87 C-65 unused for its time to live it leaves, and not while it works', async () => {
    await acme.create({ instance_id: 'demand', model: 'b', tier: 'demand', ttl_s: 8 });
    expect((await acme.chat('demand')).status).toBe(200);
    expect(await acme.get('demand')).toMatchObject({ is_ready: true });
    await acme.until('demand', { is_ready: false });
    expect((await acme.chat('demand')).status).toBe(200);
    await acme.create({ instance_id: 'busy', model: 'c', tier: 'demand', ttl_s: 1 });
    const answer = acme.chat('busy');
    await acme.until('busy', { is_ready: true });
    let isDone = false;
    const watched = (async () => {
      while (!isDone) if ((await acme.get('busy')).residency !== 'resident' && !isDone) throw new Error('it left while it worked');
    })();
    expect((await answer.finally(() => (isDone = true))).status).toBe(200);
    await watched;
    await acme.until('busy', { is_ready: false });
  }, 600_000);
});
