import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import type { PoolStats } from '@corral/contracts';
import { eventually, startCorral, startRabbit, type Corral } from '@corral/test-kit';
import { ONE_THREAD, smollm2, tiny, type Tiny } from '../served.js';
import { orgsOf, statsOf, type Org } from './orgs.js';

/** Each of these takes more than half of the pool. */
const BIG_BYTES = 100_000_000;

let corral: Corral;
let models: readonly [Tiny, Tiny];
let admin: string;
let acme: Org;
let beta: Org;

beforeAll(async () => {
  models = [await tiny({ mode: 'chain', sizeBytes: BIG_BYTES }, { slots: 2 }), await tiny({ mode: 'chain', endless: true, sizeBytes: BIG_BYTES }, { slots: 2 })];
});

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).toReversed()) await clean();
}, 600_000);

afterAll(async () => {
  await Promise.all(models.map((model) => model.remove()));
}, 600_000);

async function start(env: Readonly<Record<string, string>>): Promise<void> {
  corral = await startCorral({
    manifest: {
      version: 1,
      models: { smollm2: await smollm2({ context: 512, slots: 2 }), left: models[0].model, right: models[1].model },
      pools: [{ id: 'p1', node: 'local', device: 'cpu', memory: '260MiB' }],
    },
    env: { ...ONE_THREAD, DEMAND_LOAD_WAIT_MS: '120000', ...env },
  });
  cleanups.push(() => corral.stop());
  const made = await orgsOf(corral.url, 'acme', 'beta');
  admin = made.admin;
  [acme, beta] = made.orgs as [Org, Org];
}

async function broker(): Promise<Readonly<Record<string, string>>> {
  const rabbit = await startRabbit();
  cleanups.push(() => rabbit.remove());
  return { AMQP_URL: rabbit.url };
}

type Counts = readonly [hot: number, warm: number, cold: number, demand: number];

/** Waits until the statistics are so: an instance that made room is gone a moment after whoever needed it is there. */
async function counts(hot: number, warm: number, cold: number, demand: number): Promise<PoolStats> {
  const wanted: Counts = [hot, warm, cold, demand];
  let seen: PoolStats | undefined;
  const found = eventually(`stats are ${wanted.join('/')}`, 120_000, async () => {
    seen = await statsOf(corral.url, admin);
    const now: Counts = [seen.hot_tier_count, seen.warm_tier_count, seen.cold_tier_count, seen.demand_tier_count];
    return now.join() === wanted.join() ? seen : undefined;
  });
  return found.catch((error: unknown) => {
    throw new Error(`${String(error)}; they are ${JSON.stringify(seen)}`);
  });
}

test.each([
  ['over HTTP', () => Promise.resolve({})],
  ['through RabbitMQ', broker],
])(
  'B-119 C-60 C-65 C-66 G-02 G-03 four instances of two orgs, of three models, on a pool that holds one, %s: the stats are right at each step',
  async (_transport, environment) => {
    await start(await environment());
    await acme.create({ instance_id: 'help', model: 'smollm2', config: { system_prompt: 'Answer with one word.', temperature: 0, max_tokens: 8 } });
    await acme.create({ instance_id: 'now', model: 'left', tier: 'demand', ttl_s: 8, config: { max_tokens: 2 } });
    await beta.create({ instance_id: 'help', model: 'smollm2', tier: 'warm', config: { max_tokens: 4 } });
    await beta.create({ instance_id: 'other', model: 'right', config: { max_tokens: 2 } });
    // What is warm is staged when it is made.
    expect(await counts(0, 1, 2, 1)).toMatchObject({ total_instances: 4, shared_model_count: 1, shared_bundle_count: 0 });

    // A load, and what was refused before is answered.
    expect((await acme.chat('help')).code).toBe('INSTANCE_NOT_LOADED');
    await acme.loaded('help');
    expect(await counts(1, 1, 1, 1)).toMatchObject({ shared_model_count: 1, shared_bundle_count: 1 });
    expect((await acme.chat('help')).body).toMatchObject({ message: expect.any(String), tokens_out: expect.any(Number) });
    expect((await beta.chat('help')).code).toBe('INSTANCE_NOT_LOADED');

    // Use of a demand instance: it makes its own room, and leaves it eight seconds after its last use.
    const served = await acme.chat('now');
    expect([served.status, served.body.tokens_out]).toEqual([200, 2]);
    expect(await acme.get('now')).toMatchObject({ residency: 'resident', is_ready: true });
    await acme.until('help', { residency: 'staged', is_ready: false });
    await counts(0, 2, 1, 1);
    await acme.until('now', { is_ready: false });
    await eventually('it is told', 120_000, async () => (await acme.events('now')).some(({ type }) => type === 'evicted'));
    expect((await acme.chat('now')).status).toBe(200);

    // Warm stops in host RAM; from there it is resident in a moment.
    await acme.told('help', 'POST unload');
    expect((await beta.told('help', 'POST load')).body).toMatchObject({ tier: 'warm' });
    expect(await beta.until('help', { residency: 'staged' })).toMatchObject({ is_ready: false, held_tier: 'warm' });
    await beta.loaded('help', 'cold');
    const steps = (await beta.events('help')).find(({ type }) => type === 'loaded')?.steps.map(({ step }) => step) ?? [];
    expect(steps).toContain('loading');
    expect((await beta.chat('help')).status).toBe(200);

    // A load may ask for the place of what is not hot.
    await beta.loaded('other');
    expect((await beta.chat('other')).body).toMatchObject({ tokens_out: 2 });
    await beta.until('help', { is_ready: false });
    await beta.told('other', 'POST unload');
    await beta.until('other', { is_ready: false });
    await beta.loaded('help', 'cold');

    // Two orgs share the replica of one model; it stays until both have left it.
    await acme.loaded('help');
    const shared = await counts(2, 0, 1, 1);
    // What the demand instance left in host RAM is a model of its own.
    expect(shared.shared_model_count).toBe((await acme.get('now')).residency === 'staged' ? 2 : 1);
    await beta.told('help', 'POST unload');
    await beta.until('help', { is_ready: false });
    expect((await acme.chat('help')).status).toBe(200);

    // What is held hot never yields to a demand one, which is told who has the room.
    await acme.told('help', 'POST load', { tier: 'hot' });
    await acme.until('help', { held_tier: 'hot', is_ready: true });
    const refused = await acme.chat('now');
    expect(refused).toMatchObject({ status: 503, code: 'POOL_UNAVAILABLE', body: { message: expect.stringContaining('smollm2') } });
    expect(await acme.get('help')).toMatchObject({ is_ready: true });
    await acme.told('help', 'POST unload');
    await acme.until('help', { is_ready: false });
    expect((await acme.chat('now')).status).toBe(200);
  },
  600_000,
);
