import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { API_ROUTES, type ApiRoute, type Role } from '@corral/contracts';
import { startCorral, type Corral } from '@corral/test-kit';
import { ONE_THREAD, tiny, type Tiny } from '../served.js';
import { as, keyOf, type Answer } from './keys.js';

/** What must never be seen by another org: ids and texts of acme. */
const SECRETS = ['acme-task', 'acme-bot', 'only acme says this'];
const OPEN = new Set(['/health', '/ready', '/metrics', '/ui/']);

let corral: Corral;
let model: Tiny;
let admin = '';
let acme = { key: '', key_id: '' };
let ids: Readonly<Record<string, string>> = {};

beforeAll(async () => {
  model = await tiny();
  corral = await startCorral({ manifest: { version: 1, models: { tiny: model.model } }, env: { ...ONE_THREAD } });
  const { url } = corral;
  admin = (await keyOf(null, url, { org_id: 'default', role: 'system_admin' })).key;
  for (const orgId of ['acme', 'beta']) await as(admin, url, 'POST /api/admin/orgs', { org_id: orgId });
  acme = await keyOf(admin, url, { org_id: 'acme', role: 'org_admin' });
  const task = await as(acme.key, url, 'POST /v2/tasks', { task_id: 'acme-task', model_ref: 'tiny', prompt: 'only acme says this', max_tokens: 4 });
  expect(task.status).toBe(202);
  expect((await as(acme.key, url, 'GET /v2/tasks/acme-task/events')).text).toContain('event: end');
  const bot = { instance_id: 'acme-bot', model: 'tiny', tier: 'cold', config: { system_prompt: 'only acme says this' } };
  expect((await as(acme.key, url, 'POST /api/orgs/acme/instances', bot)).status).toBe(201);
  const [pool] = (await as(admin, url, 'GET /v2/pools')).body.data;
  ids = { org_id: 'acme', instance_id: 'acme-bot', task_id: 'acme-task', key_id: acme.key_id, pool_id: pool.pool_id, node_id: pool.node_id, model_id: 'tiny' };
}, 600_000);

afterAll(async () => {
  await corral.stop();
  await model.remove();
}, 600_000);

/** The call with acme's ids in its path, and a body that names acme's things where the route takes one. */
function callOf(route: ApiRoute): { readonly call: string; readonly body?: object } {
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? `no-${name}`);
  return { call: `${route.method.toUpperCase()} ${path}`, ...(route.request === undefined ? {} : { body: {} }) };
}

async function asked(key: string, route: ApiRoute): Promise<Answer> {
  const { call, body } = callOf(route);
  return as(key, corral.url, call, body, { 'x-org-id': 'acme', 'x-instance-id': 'acme-bot' });
}

/** What a role of another org may get on a route of which the ids are acme's. */
function expectedOf({ path }: ApiRoute, role: Role): readonly number[] | 'its own' {
  if (path.startsWith('/api/orgs/') || path.startsWith('/api/chat/')) return [403];
  if (path.startsWith('/v2/tasks/')) return [404];
  // Its keys are its own: no key of an organisation opens it.
  if (path === '/admin/reload') return [401];
  if (path.startsWith('/v1/') || path === '/v2/tasks' || path.startsWith('/v2/meta/') || path === '/openapi.json') return 'its own';
  return role === 'system_admin' ? 'its own' : [403];
}

describe.each(['member', 'org_admin'] as const)('a %s of another org', (role) => {
  let key = '';
  beforeAll(async () => void (key = (await keyOf(admin, corral.url, { org_id: 'beta', role })).key));

  test.each(API_ROUTES.filter(({ path }) => !OPEN.has(path)).map((route) => [`${route.method} ${route.path}`, route] as const))('B-111 B-116 T-77 %s shows and changes nothing of the first', async (_name, route) => {
    const { status, text, code } = await asked(key, route);
    const expected = expectedOf(route, role);
    if (expected === 'its own') expect(status).toBeLessThan(500);
    else expect(expected).toContain(status);
    if (status === 403) expect(['ORG_ACCESS_DENIED', 'ROLE_REQUIRED']).toContain(code);
    expect(SECRETS.filter((secret) => text.includes(secret) && !callOf(route).call.includes(secret))).toEqual([]);
  });
});

describe('a system_admin of another org', () => {
  let key = '';
  beforeAll(async () => void (key = (await keyOf(admin, corral.url, { org_id: 'beta', role: 'system_admin' })).key));

  test.each(API_ROUTES.filter(({ path }) => path.startsWith('/api/orgs/') || path.startsWith('/api/chat/') || path.startsWith('/v2/tasks/')).map((route) => [`${route.method} ${route.path}`, route] as const))('B-111 %s is refused', async (_name, route) => {
    expect(expectedOf(route, 'system_admin')).toContain((await asked(key, route)).status);
  });
});

test('B-111 an instance of another org has no name as a model', async () => {
  const { key } = await keyOf(admin, corral.url, { org_id: 'beta', role: 'member' });
  for (const model of ['acme-bot', 'acme/acme-bot']) {
    expect(await as(key, corral.url, 'POST /v1/completions', { model, prompt: 'x' })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
    expect(await as(key, corral.url, 'POST /v2/tasks', { model_ref: model, prompt: 'x' })).toMatchObject({ status: 404, code: 'NOT_FOUND' });
  }
  expect((await as(key, corral.url, 'GET /v1/models')).body.data.map(({ id }: { id: string }) => id)).toEqual(['tiny']);
  expect((await as(acme.key, corral.url, 'GET /v1/models')).body.data.map(({ id }: { id: string }) => id).toSorted()).toEqual(['acme-bot', 'tiny']);
});

test('B-111 what the first org had is as it was', async () => {
  expect((await as(acme.key, corral.url, 'GET /api/orgs/acme/instances/acme-bot')).body).toMatchObject({ tier: 'cold', residency: expect.stringMatching(/absent|on_disk/), config: { system_prompt: 'only acme says this' } });
  expect((await as(acme.key, corral.url, 'GET /v2/tasks/acme-task/events')).text).toContain('event: end');
  expect((await as(admin, corral.url, `GET /api/admin/keys/${acme.key_id}`)).body).toMatchObject({ revoked_at: null });
  expect((await as(admin, corral.url, 'GET /api/admin/orgs/acme')).body).toMatchObject({ deleted_at: null });
});

test('T-78 B-114 a load is in the audit when its answer is there, and what the others tried, with whose it is', async () => {
  expect((await as(acme.key, corral.url, 'POST /api/orgs/acme/instances/acme-bot/load')).status).toBe(202);
  const entries = (await as(admin, corral.url, 'GET /api/admin/audit?instance_id=acme-bot&limit=1000')).body.data as { readonly action: string; readonly outcome: string; readonly org_id: string; readonly source: string; readonly detail: object | null }[];
  const load = entries.filter(({ action, org_id }) => action === 'load' && org_id === 'beta');
  expect(load.length).toBe(3);
  expect(entries[0]).toMatchObject({ action: 'load', outcome: 'granted', org_id: 'acme', source: 'api_load', instance_id: 'acme-bot' });
  for (const entry of load) expect(entry).toMatchObject({ outcome: 'refused', source: 'api_load', detail: { org_id: 'acme', code: 'ORG_ACCESS_DENIED' } });
});

test('B-132 nobody without a key gets past any route', async () => {
  for (const route of API_ROUTES.filter(({ path }) => !OPEN.has(path))) {
    const { call, body } = callOf(route);
    expect([call, (await as(null, corral.url, call, body)).code]).toEqual([call, 'MISSING_TOKEN']);
  }
});
