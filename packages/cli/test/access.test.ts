import { afterEach, expect, test } from '@jest/globals';
import { empty, json, refuse, startFakeServer, type FakeServer, type Handler } from './fake-server.js';
import { runCorral } from './run-corral.js';

let server: FakeServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function serving(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  return (server = await startFakeServer(handlers));
}

const org = (orgId: string) => ({ org_id: orgId, created_at: '2026-01-02T03:04:05.000Z', deleted_at: null });
const key = (over: object = {}) => ({
  key_id: '0123456789abcdef', org_id: 'acme', role: 'member', name: '', created_at: '2026-01-02T03:04:05.000Z', expires_at: null, revoked_at: null, allowed_models: null, requests_per_minute: null, ...over,
});
const TEXT = `ck_0123456789abcdef_${'x'.repeat(43)}`;

test('B-130 orgs ls reads every page, and --json prints one array', async () => {
  const { url } = await serving({
    'GET /api/admin/orgs?limit=1000': json({ data: [org('acme')], next_cursor: 'acme' }),
    'GET /api/admin/orgs?limit=1000&cursor=acme': json({ data: [org('default')], next_cursor: null }),
  });
  expect(JSON.parse((await runCorral(['orgs', 'ls', '--json', '--url', url])).out)).toEqual([org('acme'), org('default')]);
  expect((await runCorral(['orgs', 'ls', '--url', url])).out).toMatch(/^ORG +CREATED\nacme +2026-01-02T03:04:05\.000Z\ndefault +2026/);
});

test('B-130 orgs create says the next step, and an id that is taken is a failure', async () => {
  const { url, seen } = await serving({ 'POST /api/admin/orgs': json(org('acme'), 201) });
  expect(await runCorral(['orgs', 'create', 'acme', '--url', url, '--token', 't'])).toEqual({ code: 0, out: 'created org acme; corral keys create --org acme makes a key for it\n', err: '' });
  expect(seen).toEqual([{ call: 'POST /api/admin/orgs', authorization: 'Bearer t', body: { org_id: 'acme' } }]);
  await server?.close();
  const { url: taken } = await serving({ 'POST /api/admin/orgs': refuse(409, { code: 'CONFLICT', message: 'org acme exists; choose another org_id', retriable: false }) });
  expect(await runCorral(['orgs', 'create', 'acme', '--url', taken])).toMatchObject({ code: 1, out: '' });
});

test('B-131 keys create prints the text of the key alone on standard output', async () => {
  const { url, seen } = await serving({ 'POST /api/admin/keys': json({ ...key(), key: TEXT }, 201) });
  expect(await runCorral(['keys', 'create', '--org', 'acme', '--models', 'tiny, chat', '--rate', '60', '--name', 'ci', '--url', url])).toEqual({
    code: 0,
    out: `${TEXT}\n`,
    err: 'key 0123456789abcdef of org acme, role member; it is shown this once:\n',
  });
  expect(seen[0]?.body).toEqual({ org_id: 'acme', role: 'member', name: 'ci', allowed_models: ['tiny', 'chat'], requests_per_minute: 60 });
  const clock = { nowMs: () => Date.parse('2026-01-01T00:00:00Z'), monotonicMs: () => 0, sleep: () => Promise.resolve() };
  const { out } = await runCorral(['keys', 'create', '--role', 'system_admin', '--days', '30', '--json', '--url', url], { clock });
  expect(JSON.parse(out)).toEqual({ ...key(), key: TEXT });
  expect(seen[1]?.body).toEqual({ org_id: 'default', role: 'system_admin', expires_at: '2026-01-31T00:00:00.000Z' });
});

test('B-131 keys ls shows what each may do and whether it is good', async () => {
  const { url } = await serving({
    'GET /api/admin/keys?org_id=acme&limit=1000': json({ data: [key({ name: 'ci', requests_per_minute: 60, allowed_models: ['tiny'] }), key({ key_id: 'k2', revoked_at: '2026-01-03T00:00:00.000Z' }), key({ key_id: 'k3', expires_at: '2020-01-01T00:00:00.000Z' })], next_cursor: null }),
  });
  const { code, out } = await runCorral(['keys', 'ls', '--org', 'acme', '--url', url]);
  expect([code, out.trimEnd().split('\n').map((line) => line.split(/ {2,}/))]).toEqual([
    0,
    [
      ['KEY', 'ORG', 'ROLE', 'STATE', 'NAME', 'EXPIRES', 'MODELS', 'RATE'],
      ['0123456789abcdef', 'acme', 'member', 'good', 'ci', '-', 'tiny', '60/min'],
      ['k2', 'acme', 'member', 'revoked', '-', '-', 'all', '-'],
      ['k3', 'acme', 'member', 'expired', '-', '2020-01-01T00:00:00.000Z', 'all', '-'],
    ],
  ]);
});

test('B-131 keys revoke takes an id, and never sends a key’s text', async () => {
  const { url, seen } = await serving({ 'DELETE /api/admin/keys/k1': empty, 'GET /api/admin/keys/k1': json(key({ key_id: 'k1', revoked_at: '2026-01-03T00:00:00.000Z' })) });
  expect(await runCorral(['keys', 'revoke', 'k1', '--url', url])).toEqual({ code: 0, out: 'revoked k1: it is refused from now on\n', err: '' });
  expect(JSON.parse((await runCorral(['keys', 'revoke', 'k1', '--json', '--url', url])).out)).toMatchObject({ key_id: 'k1', revoked_at: '2026-01-03T00:00:00.000Z' });
  const before = seen.length;
  expect(await runCorral(['keys', 'revoke', TEXT, '--url', url])).toMatchObject({ code: 2, out: '' });
  expect(seen.length).toBe(before);
});

test.each([
  [['keys', 'create', '--role', 'boss'], /Allowed choices are member, org_admin, system_admin/],
  [['keys', 'create', '--days', '0'], /--days 0 is out of range/],
  [['keys', 'create', '--rate', 'fast'], /--rate fast is out of range/],
])('%j is wrong use', async (argv, said) => {
  expect(await runCorral(argv)).toMatchObject({ code: 2, out: '', err: expect.stringMatching(said) });
});

test('B-116 models ls shows a member the names, and leaves out where they lie', async () => {
  const refused = refuse(403, { code: 'ROLE_REQUIRED', message: 'no', retriable: false });
  const { url } = await serving({ 'GET /v1/models': json({ object: 'list', data: [{ id: 'tiny', object: 'model', created: 1, owned_by: 'corral' }] }), 'GET /v2/nodes': refused, 'GET /v2/pools': refused, 'GET /v2/catalog/models?limit=1000': refused });
  const { code, out } = await runCorral(['models', 'ls', '--json', '--url', url]);
  expect([code, JSON.parse(out)]).toEqual([0, [{ id: 'tiny', owned_by: 'corral', state: null, pinned: null, size_bytes: null, tags: [], nodes: [], replicas: [] }]]);
});
