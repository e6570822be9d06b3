import { afterEach, beforeAll, afterAll, expect, test } from '@jest/globals';
import { eventually } from '@corral/test-kit';
import fc from 'fast-check';
import { atRest, startSystem } from '../faults/served-system.js';
import { orgsOf } from '../instances/orgs.js';
import { call, tiny, type Tiny } from '../served.js';
import { contradictions, keyOf, operation, PLACES, type Expected, type Named, type Real } from './chaos-operations.js';
import { startDisturbedBus, type DisturbedBus } from './disturbed-bus.js';

const OPERATIONS = 200;
/** Another one may be given, to walk another way. */
const SEED = Number(process.env['CHAOS_SEED'] ?? 20_261);

let models: readonly Tiny[];

beforeAll(async () => {
  models = [await tiny({}, { context: 1_024 }), await tiny({ seed: 2 }, { context: 1_024 }), await tiny({ seed: 3 }, { context: 1_024 })];
});

afterAll(async () => {
  for (const model of models) await model.remove();
});

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
}, 600_000);

async function started(bus: DisturbedBus | null): Promise<{ readonly real: Real; readonly admin: string }> {
  const [a, b, c] = models.map(({ model }) => model) as [object, object, object];
  const supervision = { backoff_initial_ms: 50, backoff_max_ms: 500, circuit_breaker_threshold: 50, restart_rate_limit: 100 };
  const env = { CPU_POOL_REPLICAS: String(PLACES), ...(bus === null ? {} : { AMQP_URL: bus.url }) };
  const system = await startSystem({ models: { a, b, c }, orchestratord: { swap_quantum_ms: 0, demand_load_wait_ms: 5_000 }, poolManagerd: { supervision }, env });
  cleanups.push(system.stop);
  const { orgs, admin } = await orgsOf(system.corral.url, 'acme', 'beta');
  const [acme, beta] = orgs;
  if (acme === undefined || beta === undefined) throw new Error('two organisations were asked for');
  const instances: readonly Named[] = [
    { orgId: 'acme', org: acme, instanceId: 'one' },
    { orgId: 'acme', org: acme, instanceId: 'two' },
    { orgId: 'beta', org: beta, instanceId: 'three' },
    { orgId: 'beta', org: beta, instanceId: 'four' },
  ];
  for (const [n, { org, instanceId }] of instances.entries()) await org.create({ instance_id: instanceId, model: 'abca'[n], tier: n === 3 ? 'demand' : 'cold', ttl_s: 2 });
  return { real: { system, instances, chats: [], bus }, admin };
}

test.each([
  ['no broker', null],
  ['a broker that is cut off and repeats itself', startDisturbedBus],
])(`T-220 G-21 E-10 with %s: ${OPERATIONS} operations at random (seed ${SEED}), and what was accepted holds`, async (_name, startBus) => {
  const bus = (await startBus?.()) ?? null;
  if (bus !== null) cleanups.push(bus.close);
  const { real, admin } = await started(bus);
  const expected: Expected = { wishes: new Map(), answers: new Map() };
  const operations = fc.sample(operation(bus !== null), { seed: SEED, numRuns: OPERATIONS });
  await fc.asyncModelRun(() => ({ model: expected, real }), operations);

  // Were everything refused, nothing would have been seen.
  expect(expected.answers.get('accepted')).toBeGreaterThan(OPERATIONS / 16);
  await Promise.all(real.chats);
  const { url } = real.system.corral;
  await eventually('both daemons answer', 120_000, async () => (await call(url, 'GET', '/ready').catch(() => undefined))?.status === 200);
  let wrong: readonly object[] = [];
  await eventually('every instance is what its last call wants', 240_000, async () => {
    const seen = await Promise.all(real.instances.map(async (instance) => ({ wished: expected.wishes.get(keyOf(instance)), record: await instance.org.get(instance.instanceId) })));
    wrong = contradictions(seen);
    return wrong.length === 0;
  }).catch(() => expect({ wrong, operations: operations.map(String) }).toEqual({ wrong: [], operations: [] }));
  await atRest(real.system, admin);
}, 900_000);
