import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import { as, keyOf } from '../access/keys.js';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { orgsOf, statsOf, type Org } from './orgs.js';

let corral: Corral;
let model: Tiny;
let other: Tiny;
let admin: string;
let acme: Org;
let beta: Org;

beforeAll(async () => {
  [model, other] = [await tiny({ endless: true }), await tiny({ seed: 2 })];
  corral = await startCorral({ manifest: { version: 1, models: { tiny: model.model, other: other.model } }, env: { ...ONE_THREAD } });
  const made = await orgsOf(corral.url, 'acme', 'beta');
  admin = made.admin;
  [acme, beta] = made.orgs as [Org, Org];
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await Promise.all([model.remove(), other.remove()]);
}, 600_000);

const replicas = async (): Promise<readonly { readonly replica_id: string; readonly model_id: string; readonly pid: number; readonly state: string; readonly ready_since_ms: number }[]> =>
  (await as(admin, corral.url, 'GET /v2/pools')).body.data.flatMap((pool: { readonly replicas: object[] }) => pool.replicas);
/** Commands that nodes were sent for an instance, by their generations. */
const audits = async (instanceId: string) => (await as(admin, corral.url, `GET /api/admin/audit?instance_id=${instanceId}`)).body.data as readonly { readonly action: string; readonly outcome: string; readonly source: string }[];

describe('load and unload', () => {
  test('T-75 T-79 B-38 B-42 E-09 B-110 B-112 B-117 J-01 a cold instance answers 503 with what to do, then 202 to a load, and is ready only later', async () => {
    await acme.create({ instance_id: 'bot', model: 'tiny', config: { max_tokens: 2 } });
    const refused = await acme.chat('bot', { stream: true });
    expect(refused).toMatchObject({ status: 503, code: 'INSTANCE_NOT_LOADED', body: { retriable: true, hint: expect.stringContaining('/api/orgs/acme/instances/bot/load'), retry_after_ms: expect.any(Number) } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect((await as(acme.key, corral.url, 'POST /v1/chat/completions', { model: 'bot', messages: [{ role: 'user', content: 'Hi' }] })).code).toBe('INSTANCE_NOT_LOADED');
    expect((await as(acme.key, corral.url, 'POST /v2/tasks', { model_ref: 'acme/bot', prompt: 'Hi' })).code).toBe('INSTANCE_NOT_LOADED');

    const answer = await acme.of('bot', 'POST load');
    expect([answer.status, answer.body]).toEqual([202, { message: 'Load event published', instance_id: 'bot', tier: 'cold' }]);
    expect(await acme.until('bot', { is_ready: true })).toMatchObject({ residency: 'resident', tier: 'cold', held_tier: 'cold', node_id: expect.any(String), pool_id: expect.any(String), last_error: null });

    const streamed = await acme.chat('bot', { stream: true });
    const frames = streamed.text.split('\n\n').filter((frame) => frame !== '').map((frame) => frame.split('\n')[0]);
    expect([streamed.status, frames]).toEqual([200, ['event: started', 'event: metrics', 'event: token', 'event: token', 'event: end']]);
    expect((await acme.chat('bot')).body).toMatchObject({ message: expect.any(String), finish_reason: 'length', tokens_in: expect.any(Number), tokens_out: 2, decode_time_ms: expect.any(Number) });
  });

  test('T-76 B-113 G-02 the hint counts for one load; without it the tier of the record; one that is none changes nothing', async () => {
    await acme.create({ instance_id: 'hinted', model: 'other', tier: 'warm' });
    await acme.until('hinted', { residency: 'staged' });
    expect(await acme.of('hinted', 'POST load', { tier: 'boiling' })).toMatchObject({ status: 400, code: 'INVALID_PARAMS', body: { field: 'tier' } });
    expect(await acme.of('hinted', 'POST load', { tier: 'hot', colour: 'red' })).toMatchObject({ status: 400, body: { field: 'colour' } });
    expect(await acme.get('hinted')).toMatchObject({ held_tier: 'warm', residency: 'staged' });
    expect((await acme.of('hinted', 'POST load', { tier: 'hot' })).body).toMatchObject({ tier: 'hot' });
    expect(await acme.until('hinted', { is_ready: true })).toMatchObject({ tier: 'warm', held_tier: 'hot' });
    await acme.of('hinted', 'POST unload');
    expect((await acme.of('hinted', 'POST load')).body).toMatchObject({ tier: 'warm' });
    expect(await acme.until('hinted', { residency: 'staged' })).toMatchObject({ tier: 'warm', held_tier: 'warm', is_ready: false });
    await acme.of('hinted', 'DELETE');
  });

  test('B-39 B-116 the administrators of an org create, list, read, change and delete its instances, and its members do nothing of that', async () => {
    const { key: member } = await keyOf(admin, corral.url, { org_id: 'acme', role: 'member' });
    const all = '/api/orgs/acme/instances';
    const calls = [
      [`POST ${all}`, { instance_id: 'passing', model: 'tiny' }],
      [`GET ${all}`, undefined],
      [`GET ${all}/passing`, undefined],
      [`PATCH ${all}/passing`, { tier: 'demand' }],
      [`DELETE ${all}/passing`, undefined],
      [`GET ${all}/passing`, undefined],
    ] as const;
    const refused = [];
    const answers = [];
    for (const [path, body] of calls) {
      refused.push((await as(member, corral.url, path, body)).code);
      answers.push(await as(acme.key, corral.url, path, body));
    }
    expect(refused).toEqual(calls.map(() => 'ROLE_REQUIRED'));
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200, 204, 410]);
    expect([answers[1]?.body.data, answers[2]?.body, answers[3]?.body]).toEqual([
      expect.arrayContaining([expect.objectContaining({ instance_id: 'passing', tier: 'cold' })]),
      expect.objectContaining({ instance_id: 'passing', tier: 'cold' }),
      expect.objectContaining({ instance_id: 'passing', tier: 'demand' }),
    ]);
  });

  test('T-77 B-111 B-114 another org is 403, an unknown instance 404, a deleted one 410, and each refusal is remembered', async () => {
    await beta.create({ instance_id: 'theirs', model: 'tiny' });
    const call = (key: string, path: string) => as(key, corral.url, `POST /api/orgs/${path}`);
    expect(await call(acme.key, 'beta/instances/theirs/load')).toMatchObject({ status: 403, code: 'ORG_ACCESS_DENIED' });
    expect(await call(acme.key, 'beta/instances/theirs/unload')).toMatchObject({ status: 403, code: 'ORG_ACCESS_DENIED' });
    expect(await call(acme.key, 'acme/instances/theirs/load')).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await beta.get('theirs')).toMatchObject({ held_tier: null, is_ready: false, progress: null });
    expect((await beta.events('theirs')).map(({ type }) => type)).toEqual(['created']);
    expect((await beta.of('theirs', 'DELETE')).status).toBe(204);
    expect(await beta.of('theirs', 'POST load')).toMatchObject({ status: 410, code: 'GONE' });
    expect(await beta.chat('theirs')).toMatchObject({ status: 410, code: 'GONE' });
    expect((await audits('theirs')).map(({ action, source, outcome }) => `${action} ${source} ${outcome}`)).toEqual([
      'load api_load refused',
      'delete api_instances granted',
      'load api_load refused',
      'unload api_unload refused',
      'load api_load refused',
      'create api_instances granted',
    ]);
  });

  test('T-88 C-82 a load of what is loaded is 202 and starts no engine', async () => {
    await acme.loaded('bot');
    const before = (await replicas()).map(({ replica_id, pid, ready_since_ms }) => ({ replica_id, pid, ready_since_ms }));
    expect((await acme.of('bot', 'POST load')).status).toBe(202);
    expect((await acme.chat('bot')).status).toBe(200);
    expect((await replicas()).map(({ replica_id, pid, ready_since_ms }) => ({ replica_id, pid, ready_since_ms }))).toEqual(before);
  });
});

describe('config', () => {
  test('T-90 B-122 B-150 another config has another hash and holds at once; the same content does nothing', async () => {
    const before = await acme.loaded('bot');
    const patched = await acme.of('bot', 'PATCH', { config: { max_tokens: 1 } });
    expect(patched.body).toMatchObject({ config: { max_tokens: 1 }, config_hash: expect.not.stringMatching(before.config_hash) });
    expect((await acme.chat('bot')).body).toMatchObject({ tokens_out: 1 });
    await eventually('the refresh is told', 120_000, async () => (await acme.events('bot')).find(({ type, reason }) => type === 'loaded' && reason?.includes('changed')));
    const told = (await acme.events('bot')).length;
    expect((await acme.of('bot', 'PATCH', { config: { max_tokens: 1 } })).body).toMatchObject({ updated_at: patched.body.updated_at, config_hash: patched.body.config_hash });
    expect((await acme.events('bot')).length).toBe(told);
    expect((await as(acme.key, corral.url, 'POST /v1/chat/completions', { model: 'acme/bot', messages: [{ role: 'user', content: 'Hi' }], max_tokens: 3 })).body.usage.completion_tokens).toBeGreaterThan(1);
  });

  test('T-267 C-269 another model: the old one answers until the new one does, no request fails, and the events say how room was made', async () => {
    // A pool of the processor holds as many replicas as it has cores: two on a small machine, the old one and the new one.
    await acme.of('bot', 'POST unload');
    await acme.until('bot', { is_ready: false });
    await acme.create({ instance_id: 'changing', model: 'other', config: { max_tokens: 1 } });
    await acme.loaded('changing');
    await eventually('nobody else is resident', 180_000, async () => (await replicas()).every(({ model_id }) => model_id === 'other'));
    const statuses: string[] = [];
    let isOver = false;
    const asking = (async () => {
      while (!isOver) {
        const { status, code } = await acme.chat('changing');
        statuses.push(status === 200 ? '200' : `${status} ${String(code)}`);
      }
    })();
    try {
      await eventually('it is asked', 180_000, async () => statuses.length > 0);
      expect((await acme.of('changing', 'PATCH', { model: 'tiny' })).body).toMatchObject({ model: 'tiny' });
      await eventually('the change is told', 180_000, async () => (await acme.events('changing')).find(({ type, reason }) => type === 'loaded' && reason?.includes('loaded beside other, which served until it was ready')));
      await acme.until('changing', { is_ready: true });
      const before = statuses.length;
      await eventually('it is asked after the change', 180_000, async () => statuses.length > before);
    } finally {
      isOver = true;
      await asking;
    }
    expect([...new Set(statuses)]).toEqual(['200']);
    expect((await replicas()).find(({ state, model_id }) => state === 'resident' && model_id === 'tiny')).toBeDefined();
    await eventually('the old one has left', 180_000, async () => !(await replicas()).some(({ model_id, state }) => model_id === 'other' && state === 'resident'));
    await acme.of('changing', 'DELETE');
  }, 600_000);

  test('B-122 B-155 unknown keys, values out of range, unknown models and taken ids are refused with their field', async () => {
    const refusal = async (body: object) => {
      const { status, code, body: said } = await as(acme.key, corral.url, 'POST /api/orgs/acme/instances', { instance_id: 'new', model: 'tiny', ...body });
      return [status, code, said.field];
    };
    expect(await refusal({ config: { heat: 1 } })).toEqual([400, 'INVALID_PARAMS', 'config.heat']);
    expect(await refusal({ config: { temperature: 9 } })).toEqual([400, 'INVALID_PARAMS', 'config.temperature']);
    expect(await refusal({ model: 'tinny' })).toEqual([404, 'NOT_FOUND', 'model']);
    expect(await refusal({ instance_id: 'bot' })).toEqual([409, 'CONFLICT', 'instance_id']);
    expect(await refusal({ instance_id: 'route.x' })).toEqual([400, 'INVALID_PARAMS', 'instance_id']);
  });

  test('B-152 a suspended instance refuses chat and load, and its replica has left', async () => {
    await acme.loaded('bot');
    expect((await acme.of('bot', 'PATCH', { status: 'suspended' })).body).toMatchObject({ status: 'suspended', held_tier: null });
    expect([(await acme.chat('bot')).code, (await acme.of('bot', 'POST load')).code]).toEqual(['CONFLICT', 'CONFLICT']);
    await acme.until('bot', { is_ready: false });
    expect((await acme.of('bot', 'PATCH', { status: 'active' })).body).toMatchObject({ status: 'active', is_ready: false });
  });

  test('B-118 the chat by headers needs both of them, and messages of 1 to 1000 characters', async () => {
    await acme.loaded('bot');
    const chat = async (headers: Record<string, string>, body: object) => {
      const answer = await fetch(new URL('/api/chat/completion', corral.url), { method: 'POST', headers: { authorization: `Bearer ${acme.key}`, 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) });
      return [answer.status, ((await answer.json()) as { readonly field?: string }).field];
    };
    const both = { 'X-ORG-ID': 'acme', 'X-INSTANCE-ID': 'bot' };
    expect(await chat(both, { message: 'Hi', stream: false })).toEqual([200, undefined]);
    expect(await chat({ 'X-ORG-ID': 'acme' }, { message: 'Hi' })).toEqual([400, 'X-INSTANCE-ID']);
    expect(await chat({ 'X-INSTANCE-ID': 'bot' }, { message: 'Hi' })).toEqual([400, 'X-ORG-ID']);
    expect(await chat(both, { message: '' })).toEqual([400, 'message']);
    expect(await chat(both, { message: 'x'.repeat(1_001) })).toEqual([400, 'message']);
  });
});

describe('numbers', () => {
  test('T-80 T-81 B-119 G-42 each instance counts once, and what two share counts once', async () => {
    const start = await statsOf(corral.url, admin);
    for (const [instance_id, tier] of [['one', 'hot'], ['two', 'cold'], ['three', 'warm'], ['four', 'cold'], ['five', 'demand']]) await beta.create({ instance_id, model: instance_id === 'three' ? 'other' : 'tiny', tier });
    await beta.until('one', { is_ready: true });
    await beta.loaded('two', 'hot');
    await beta.until('three', { residency: 'staged' });
    const now = await statsOf(corral.url, admin);
    const more = { total_instances: 5, hot_tier_count: 2, warm_tier_count: 1, cold_tier_count: 1, demand_tier_count: 1 } as const;
    for (const [name, count] of Object.entries(more)) expect([name, now[name as keyof typeof more] - start[name as keyof typeof more]]).toEqual([name, count]);
    expect(now).toMatchObject({ shared_model_count: 2, shared_bundle_count: 1 });
    expect(now.memory_estimate_mb).toBeGreaterThan(0);

    await beta.of('one', 'POST unload');
    await beta.until('one', { is_ready: false, held_tier: null });
    expect((await statsOf(corral.url, admin)).hot_tier_count).toBe(now.hot_tier_count - 1);
  });

  test('B-41 B-121 health names the bus, the node and the instances, to administrators alone', async () => {
    const { status, body } = await eventually('the node has worked off what it was told', 120_000, async () => {
      const answer = await as(admin, corral.url, 'GET /api/admin/health');
      return answer.body.workers?.[0]?.queue_lag === 0 && answer;
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'ok',
      event_bus: { mode: 'http', connected: true, last_publish_ms: expect.any(Number), last_error: null },
      workers: [{ online: true, consumer_connected: true, last_event_ms: expect.any(Number), queue_lag: 0, last_error: null }],
    });
    expect(body.instances).toContainEqual({ org_id: 'beta', instance_id: 'two', residency: 'resident', ready: true, last_error: null });
    expect((await as(acme.key, corral.url, 'GET /api/admin/health')).code).toBe('ROLE_REQUIRED');
  });
});
