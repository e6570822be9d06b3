import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually, startCorral, type Corral } from '@corral/test-kit';
import OpenAI from 'openai';
import { processesOf } from '../faults/processes.js';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { as, filesWith, keyOf } from './keys.js';

let corral: Corral;
let model: Tiny;
let other: Tiny;
let url: string;

beforeAll(async () => {
  [model, other] = [await tiny(), await tiny({ seed: 2 })];
  const manifest = { version: 1, models: { tiny: model.model, other: other.model }, routes: { 'chat-tiny': { model: 'tiny' } } };
  corral = await startCorral({ manifest, env: { ...ONE_THREAD, NODE_HEARTBEAT_MS: '500', NODE_OFFLINE_MS: '5000' } });
  url = corral.url;
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await Promise.all([model.remove(), other.remove()]);
}, 600_000);

const TASK = { model_ref: 'tiny', prompt: 'x', max_tokens: 4, seed: 1 };
const COMPLETION = { model: 'tiny', prompt: 'x', max_tokens: 4 };
const statusesOf = (key: string | null, calls: readonly string[]) => Promise.all(calls.map(async (call) => (await as(key, url, call)).status));

let admin = '';
let member = { key: '', key_id: '' };

describe('home, before there is a key', () => {
  test('P-03 G-15 any caller on this machine is the system admin of org default, whatever it sends', async () => {
    expect(await statusesOf(null, ['GET /v1/models', 'GET /v2/pools', 'GET /api/admin/orgs'])).toEqual([200, 200, 200]);
    expect(await statusesOf('sk-anything', ['GET /v1/models', 'GET /v2/nodes'])).toEqual([200, 200]);
    expect((await as(null, url, 'GET /api/admin/orgs')).body).toEqual({ data: [{ org_id: 'default', created_at: expect.any(String), deleted_at: null }], next_cursor: null });
    expect((await as(null, url, 'GET /api/admin/keys')).body).toEqual({ data: [], next_cursor: null });
  });

  test('B-132 the first key must be a system_admin’s, and with it keys are needed', async () => {
    expect(await as(null, url, 'POST /api/admin/keys', { org_id: 'default', role: 'member' })).toMatchObject({ status: 400, code: 'INVALID_PARAMS', body: { field: 'role' } });
    expect(await statusesOf(null, ['GET /v2/pools'])).toEqual([200]);
    const created = await as(null, url, 'POST /api/admin/keys', { org_id: 'default', role: 'system_admin', name: 'the first' });
    expect(created).toMatchObject({ status: 201, body: { key_id: expect.any(String), key: expect.stringMatching(/^ck_[0-9a-f]{16}_[\w-]{43}$/), role: 'system_admin', name: 'the first' } });
    expect(created.headers.get('cache-control')).toBe('no-store');
    admin = created.body.key;
    expect(await as(null, url, 'GET /v1/models')).toMatchObject({ status: 401, code: 'MISSING_TOKEN' });
    expect(await as('sk-anything', url, 'GET /v2/pools')).toMatchObject({ status: 401, code: 'BAD_TOKEN' });
    expect(await statusesOf(null, ['GET /health', 'GET /ready', 'GET /metrics'])).toEqual([200, 200, 200]);
    expect(await statusesOf(admin, ['GET /v2/pools', 'GET /api/admin/keys'])).toEqual([200, 200]);
  });
});

describe('with keys', () => {
  beforeAll(async () => {
    for (const orgId of ['acme', 'beta']) expect((await as(admin, url, 'POST /api/admin/orgs', { org_id: orgId })).status).toBe(201);
    member = await keyOf(admin, url, { org_id: 'acme', role: 'member', name: 'of acme' });
  });

  test('B-135 nodes go on reporting, and one that is started again registers', async () => {
    const nodeOf = async () => (await as(admin, url, 'GET /v2/nodes')).body.data[0];
    process.kill(corral.ready.pids.pool_managerd, 'SIGKILL');
    await eventually('the node runs again', 120_000, async () => (await processesOf(corral)).poolManagerd !== corral.ready.pids.pool_managerd);
    let before = 0;
    await eventually('a heartbeat comes', 120_000, async () => {
      const { last_heartbeat_ms: ageMs } = await nodeOf();
      const isYounger = ageMs < before;
      before = ageMs;
      return isYounger;
    });
    await eventually('the node is back', 120_000, async () => (await nodeOf()).state === 'online' && (await as(null, url, 'GET /ready')).status === 200);
    expect(await nodeOf()).toMatchObject({ online: true, state: 'online' });
  }, 600_000);

  test('B-47 the stock client speaks with a key', async () => {
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: member.key, maxRetries: 0 });
    expect((await openai.models.list()).data.map(({ id }) => id).toSorted()).toEqual(['chat-tiny', 'other', 'tiny']);
    const completion = await openai.completions.create({ ...COMPLETION, model: 'chat-tiny' });
    expect(completion.usage).toMatchObject({ completion_tokens: expect.any(Number) });
    await expect(new OpenAI({ baseURL: `${url}/v1`, apiKey: `${member.key.slice(0, -1)}~`, maxRetries: 0 }).models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError);
  }, 600_000);

  test('T-82 B-116 a member is refused what administrators do', async () => {
    const calls = ['GET /api/admin/orgs', 'GET /api/admin/keys', 'GET /api/admin/audit', 'GET /api/admin/usage', 'GET /v2/pools', 'GET /v2/nodes', 'DELETE /api/admin/orgs/acme', 'DELETE /v2/nodes/n1'];
    for (const call of calls) expect(await as(member.key, url, call)).toMatchObject({ status: 403, code: 'ROLE_REQUIRED' });
    expect(await as(member.key, url, 'POST /api/admin/keys', { org_id: 'acme', role: 'system_admin' })).toMatchObject({ status: 403, code: 'ROLE_REQUIRED' });
    expect(await as(member.key, url, 'GET /V2/Pools')).toMatchObject({ status: 403, code: 'ROLE_REQUIRED' });
    expect(await as(member.key, url, 'GET /v2/nothing')).toMatchObject({ status: 404 });
  });

  test('B-131 a revoked key and an expired one are 401 from that moment on', async () => {
    const revoked = await keyOf(admin, url, { org_id: 'acme', role: 'member' });
    expect((await as(revoked.key, url, 'GET /v1/models')).status).toBe(200);
    expect(await statusesOf(admin, [`DELETE /api/admin/keys/${revoked.key_id}`, `DELETE /api/admin/keys/${revoked.key_id}`, 'DELETE /api/admin/keys/nobody'])).toEqual([204, 410, 404]);
    expect(await as(revoked.key, url, 'GET /v1/models')).toMatchObject({ status: 401, code: 'BAD_TOKEN' });
    expect((await as(admin, url, `GET /api/admin/keys/${revoked.key_id}`)).body).toMatchObject({ revoked_at: expect.any(String) });

    const expiring = await keyOf(admin, url, { org_id: 'acme', role: 'member', expires_at: new Date(Date.now() + 15_000).toISOString() });
    expect((await as(expiring.key, url, 'GET /v1/models')).status).toBe(200);
    const refused = await eventually('the key expires', 120_000, async () => {
      const answer = await as(expiring.key, url, 'GET /v1/models');
      return answer.status !== 200 && answer;
    });
    expect(refused).toMatchObject({ status: 401, code: 'BAD_TOKEN' });
    expect(await as(admin, url, 'POST /api/admin/keys', { org_id: 'acme', role: 'member', expires_at: '2020-01-01T00:00:00Z' })).toMatchObject({ status: 400, body: { field: 'expires_at' } });
  }, 600_000);

  test('B-138 a key with allowed models sees and gets only those', async () => {
    const { key } = await keyOf(admin, url, { org_id: 'acme', role: 'member', allowed_models: ['tiny'] });
    expect((await as(key, url, 'GET /v1/models')).body.data.map(({ id }: { id: string }) => id).toSorted()).toEqual(['chat-tiny', 'tiny']);
    expect(await as(key, url, 'GET /v1/models/other')).toMatchObject({ status: 404 });
    expect(await as(key, url, 'POST /v1/completions', { ...COMPLETION, model: 'other' })).toMatchObject({ status: 403, code: 'MODEL_NOT_ALLOWED' });
    expect(await as(key, url, 'POST /v2/tasks', { ...TASK, model_ref: 'other' })).toMatchObject({ status: 403, code: 'MODEL_NOT_ALLOWED', body: { field: 'model_ref' } });
    expect((await as(key, url, 'POST /v1/completions', { ...COMPLETION, model: 'chat-tiny' })).status).toBe(200);

    const route = await keyOf(admin, url, { org_id: 'acme', role: 'member', allowed_models: ['chat-tiny'] });
    expect(await as(route.key, url, 'POST /v1/completions', COMPLETION)).toMatchObject({ status: 403, code: 'MODEL_NOT_ALLOWED' });
    expect((await as(route.key, url, 'POST /v1/completions', { ...COMPLETION, model: 'chat-tiny' })).status).toBe(200);
  }, 600_000);

  test('B-137 a key with a rate gets 429 with Retry-After beyond it', async () => {
    const { key } = await keyOf(admin, url, { org_id: 'acme', role: 'member', requests_per_minute: 2 });
    expect((await as(key, url, 'POST /v1/completions', COMPLETION)).status).toBe(200);
    expect((await as(key, url, 'POST /v2/tasks', TASK)).status).toBe(202);
    const refused = await as(key, url, 'POST /v1/completions', COMPLETION);
    expect(refused).toMatchObject({ status: 429, code: 'RATE_LIMITED', body: { error: { retriable: true } } });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(30);
    expect((await as(key, url, 'GET /v1/models')).status).toBe(200);
  }, 600_000);

  test('B-136 usage is counted per key, from how the tasks ended', async () => {
    const { key, key_id } = await keyOf(admin, url, { org_id: 'beta', role: 'member' });
    const used = async () => (await as(admin, url, `GET /api/admin/usage?key_id=${key_id}`)).body.data;
    expect(await used()).toEqual([]);
    const first = (await as(key, url, 'POST /v1/completions', COMPLETION)).body.usage;
    const second = (await as(key, url, 'POST /v1/completions', { ...COMPLETION, max_tokens: 2 })).body.usage;
    const [entry] = await eventually('both are counted', 120_000, async () => {
      const list = await used();
      return list[0]?.requests === 2 && list;
    });
    expect(entry).toEqual({ org_id: 'beta', key_id, requests: 2, tokens_in: first.prompt_tokens + second.prompt_tokens, tokens_out: first.completion_tokens + second.completion_tokens, last_used_at: expect.any(String) });
  }, 600_000);

  test('B-114 what administrators changed, and what was refused, is in the audit, the newest first', async () => {
    const { body } = await as(admin, url, 'GET /api/admin/audit?limit=1000');
    const seen = body.data.map(({ action, actor, org_id, outcome, source }: Record<string, string>) => ({ action, actor, org_id, outcome, source }));
    const refused = { action: 'GET /api/admin/orgs', actor: `key:${member.key_id}`, org_id: 'acme', outcome: 'refused', source: 'api_admin' };
    expect(seen).toEqual(expect.arrayContaining([{ action: 'key.create', actor: 'localhost', org_id: 'default', outcome: 'granted', source: 'api_admin' }, refused]));
    expect(body.data.at(-1)).toMatchObject({ action: 'key.create', outcome: 'failed', detail: { code: 'INVALID_PARAMS', role: 'member' } });
    const created = body.data.find(({ detail }: { detail: { key_id?: string } | null }) => detail?.key_id === member.key_id);
    expect(created).toMatchObject({ action: 'key.create', outcome: 'granted', detail: { org_id: 'acme', role: 'member', key_id: member.key_id } });
    const page = await as(admin, url, 'GET /api/admin/audit?limit=1&org_id=acme');
    expect(page.body).toMatchObject({ data: [{ org_id: 'acme', correlation_id: expect.any(String), instance_id: null }], next_cursor: expect.any(String) });
    const next = await as(admin, url, `GET /api/admin/audit?limit=1&org_id=acme&cursor=${page.body.next_cursor}`);
    expect(next.body.data[0].at <= page.body.data[0].at).toBe(true);
  });

  test('B-134 an org is deleted when nothing is left in it', async () => {
    expect((await as(admin, url, 'POST /api/admin/orgs', { org_id: 'acme' })).code).toBe('CONFLICT');
    expect(await as(admin, url, 'DELETE /api/admin/orgs/beta')).toMatchObject({ status: 409, code: 'CONFLICT' });
    for (const { key_id } of (await as(admin, url, 'GET /api/admin/keys?org_id=beta')).body.data) await as(admin, url, `DELETE /api/admin/keys/${key_id}`);
    expect(await statusesOf(admin, ['DELETE /api/admin/orgs/beta', 'GET /api/admin/orgs/beta', 'DELETE /api/admin/orgs/bete', 'DELETE /api/admin/orgs/default'])).toEqual([204, 410, 404, 409]);
    expect(await as(admin, url, 'POST /api/admin/keys', { org_id: 'beta', role: 'member' })).toMatchObject({ status: 410 });
    expect(await as(admin, url, 'POST /api/admin/keys', { org_id: 'acmee', role: 'member' })).toMatchObject({ status: 404, body: { message: expect.stringContaining('acme') } });
    expect((await as(admin, url, 'POST /api/admin/orgs', { org_id: 'beta' })).status).toBe(201);
  });

  test('B-08 B-131 no key’s text stands in any file, metric or answer after its creation', async () => {
    const { key } = await keyOf(admin, url, { org_id: 'acme', role: 'member' });
    await as(key, url, `GET /v1/models/${key}`);
    await as(key, url, 'POST /v1/completions', { ...COMPLETION, model: key });
    await as(`${key}x`, url, 'GET /v1/models');
    const secret = key.slice('ck_0123456789abcdef_'.length);
    await eventually('the calls are logged', 120_000, async () => (await corral.logs('orchestratord')).filter(({ path }) => String(path).startsWith('/v1/models/')).length > 0);
    for (const text of [secret, admin.slice(20), member.key.slice(20)]) {
      expect(await filesWith(corral.stateDir, text)).toEqual([]);
      const answers = await Promise.all(['GET /api/admin/keys', 'GET /api/admin/audit?limit=1000', 'GET /api/admin/usage', 'GET /metrics', 'GET /v2/nodes', 'GET /v2/pools'].map((call) => as(admin, url, call)));
      expect(answers.filter((answer) => answer.status !== 200 || answer.text.includes(text))).toEqual([]);
      expect((await (await fetch(new URL('/metrics', corral.poolUrl))).text()).includes(text)).toBe(false);
      expect(corral.stderr()).not.toContain(text);
    }
  });
});
