import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { as, keyOf } from '../access/keys.js';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { orgsOf, statsOf, type Org } from './orgs.js';

let stateDir: string;
let models: readonly Tiny[];
let corral: Corral;
let admin: string;
let acme: Org;

const start = () =>
  startCorral({
    stateDir,
    manifest: { version: 1, models: Object.fromEntries(models.map(({ model }, n) => [`m${n}`, model])) },
    env: { ...ONE_THREAD, HOT_CEILING: '2', DEMAND_LOAD_WAIT_MS: '120000' },
  });

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'corral-'));
  models = await Promise.all([1, 2, 3].map((seed) => tiny({ seed })));
  corral = await start();
  const made = await orgsOf(corral.url, 'acme');
  admin = made.admin;
  [acme] = made.orgs as [Org];
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await Promise.all(models.map((model) => model.remove()));
  await rm(stateDir, { recursive: true, force: true });
}, 600_000);

const replicas = async (): Promise<readonly { readonly model_id: string; readonly state: string; readonly ready_since_ms: number }[]> =>
  (await as(admin, corral.url, 'GET /v2/pools')).body.data.flatMap((pool: { readonly replicas: object[] }) => pool.replicas);

test(
  'T-83 C-63 with a ceiling of two the one that was used longest ago is demoted to warm, and no statistics show three',
  async () => {
    let most = 0;
    for (const n of [0, 1, 2]) {
      await acme.create({ instance_id: `i${n}`, model: `m${n}`, config: { max_tokens: 2 } });
      const loading = acme.loaded(`i${n}`, 'hot');
      let isLoading = true;
      void loading.finally(() => (isLoading = false)).catch(() => undefined);
      while (isLoading) most = Math.max(most, (await statsOf(corral.url, admin)).hot_tier_count);
      await loading;
    }
    expect(await acme.until('i0', { is_ready: false })).toMatchObject({ held_tier: 'warm' });
    await acme.until('i0', { residency: 'staged' });
    expect(most).toBeLessThanOrEqual(2);
    expect(await statsOf(corral.url, admin)).toMatchObject({ hot_tier_count: 2, warm_tier_count: 1, cold_tier_count: 0 });
  },
  600_000,
);

test(
  'T-86 C-66 ten chats at once to a demand instance that is not resident are one load',
  async () => {
    await acme.of('i1', 'POST unload');
    await acme.of('i2', 'POST unload');
    await acme.until('i2', { is_ready: false });
    await acme.create({ instance_id: 'lazy', model: 'm2', tier: 'demand', config: { max_tokens: 2 } });
    const answers = await Promise.all(Array.from({ length: 10 }, () => acme.chat('lazy')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    await eventually('the load is told', 120_000, async () => (await acme.events('lazy')).some(({ type }) => type === 'loaded'));
    expect((await acme.events('lazy')).filter(({ type }) => type === 'loaded').length).toBe(1);
    expect((await replicas()).filter(({ model_id, state }) => model_id === 'm2' && state === 'resident').length).toBe(1);
  },
  600_000,
);

test(
  'T-89 C-67 what was hot before both daemons were restarted is hot again without a call, and what was unloaded is not',
  async () => {
    await acme.loaded('i1', 'hot');
    await corral.stop();
    corral = await start();
    const { key } = await keyOf(admin, corral.url, { org_id: 'acme', role: 'org_admin' });
    const record = async (id: string) => (await as(key, corral.url, `GET /api/orgs/acme/instances/${id}`)).body;
    const back = await eventually('i1 is ready', 120_000, async () => {
      const seen = await record('i1');
      return seen.is_ready === true ? seen : undefined;
    });
    expect(back).toMatchObject({ is_ready: true, held_tier: 'hot', tier: 'cold' });
    expect(await record('i2')).toMatchObject({ is_ready: false, held_tier: null });
  },
  600_000,
);
