import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Role } from '@corral/contracts';
import { createHttpApp, listen, silentLog, type Listening } from '@corral/service-kit';
import { accessOf, principalOf, requireOrg, type AccessCaller } from '../src/access/principal.js';
import type { AuditRecord } from '../src/audit/audit.js';
import { roleGuard } from '../src/http/role-guard.js';

let server: Listening;
const recorded: AuditRecord[] = [];

/** `Authorization: org/role`, so that each call says who makes it. */
function callerIn(header: string | undefined): AccessCaller {
  const [orgId = '', role = ''] = (header ?? '').split('/');
  const identity = `key:${orgId}`;
  return { identity, principal: { orgId, role: role as Role, keyId: 'k', identity }, allowedModels: null, charge: () => undefined, orgIds: () => ['acme', 'beta', 'default'] };
}

beforeAll(async () => {
  const app = createHttpApp({
    log: silentLog,
    auth: (req) => callerIn(req.headers.authorization),
    isOpenPath: (path) => path === '/ui/',
    routes: (routes) => {
      routes.use(roleGuard(routes, { record: (entry) => Promise.resolve(void recorded.push(entry)) }));
      for (const path of ['/v1/models', '/v2/tasks/:task_id/events', '/v2/pools', '/v2/brand-new', '/api/admin/pool/stats', '/v2/tasksy']) routes.get(path, (req, res) => void res.json({ org: principalOf(req).orgId }));
      routes.delete('/v2/nodes/:node_id', (_req, res) => void res.status(204).end());
      routes.get('/ui/', (_req, res) => void res.end('open'));
      routes.get('/api/orgs/:org_id/instances', (req, res) => void res.json({ org: requireOrg(req, req.params.org_id, 'org_admin').orgId }));
      routes.get('/api/orgs/:org_id/chat', (req, res) => void res.json({ org: requireOrg(req, req.params.org_id, 'member').orgId, all: accessOf(req).allowedModels }));
    },
  });
  server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
});
afterAll(() => server.close(0));

async function answer(who: string, path: string, method = 'GET'): Promise<string> {
  const response = await fetch(new URL(path, server.url), { method, headers: { authorization: who } });
  const text = await response.text();
  return response.ok ? String(response.status) : `${response.status} ${(JSON.parse(text) as { error?: { code: string }; code: string }).error?.code ?? (JSON.parse(text) as { code: string }).code}`;
}

test.each([
  ['acme/member', '/v1/models', '200'],
  ['acme/member', '/v2/tasks/t1/events', '200'],
  ['acme/member', '/v2/tasksy', '403 ROLE_REQUIRED'],
  ['acme/member', '/v2/pools', '403 ROLE_REQUIRED'],
  ['acme/org_admin', '/v2/pools', '403 ROLE_REQUIRED'],
  ['acme/member', '/V2/POOLS', '403 ROLE_REQUIRED'],
  ['acme/member', '/v2/pools/', '403 ROLE_REQUIRED'],
  ['acme/member', '/v2/brand-new', '403 ROLE_REQUIRED'],
  ['acme/member', '/v2/nothing', '404 NOT_FOUND'],
  ['acme/member', '/v1/nothing', '404 NOT_FOUND'],
  ['acme/system_admin', '/v2/brand-new', '200'],
  ['acme/system_admin', '/api/admin/pool/stats', '200'],
  ['nobody/none', '/ui/', '200'],
])('B-116 B-133 %s at %s: %s', async (who, path, expected) => {
  expect(await answer(who, path)).toBe(expected);
});

test.each([
  ['acme/org_admin', 'acme', '200'],
  ['acme/system_admin', 'acme', '200'],
  ['acme/member', 'acme', '403 ROLE_REQUIRED'],
  ['acme/org_admin', 'beta', '403 ORG_ACCESS_DENIED'],
  ['acme/system_admin', 'beta', '403 ORG_ACCESS_DENIED'],
  ['acme/member', 'beta', '403 ORG_ACCESS_DENIED'],
  ['acme/org_admin', 'nobody', '403 ORG_ACCESS_DENIED'],
  ['acme/system_admin', 'nobody', '404 NOT_FOUND'],
  ['acme/org_admin', 'ACME', '403 ORG_ACCESS_DENIED'],
])('B-111 G-15 %s at the instances of %s: %s', async (who, org, expected) => {
  expect(await answer(who, `/api/orgs/${org}/instances`)).toBe(expected);
});

test('B-116 a member may chat in its own org and in no other', async () => {
  expect([await answer('acme/member', '/api/orgs/acme/chat'), await answer('acme/member', '/api/orgs/beta/chat')]).toEqual(['200', '403 ORG_ACCESS_DENIED']);
});

test('B-114 refused changes and refused calls of administrators are recorded before the answer, other refused looks are not', async () => {
  recorded.length = 0;
  await answer('acme/member', '/v2/pools');
  expect(recorded).toEqual([]);
  await answer('acme/member', '/api/admin/pool/stats');
  await answer('acme/member', '/v2/nodes/n1', 'DELETE');
  await answer('acme/system_admin', '/v2/nodes/n1', 'DELETE');
  const refused = { source: 'api_admin', actor: 'key:acme', orgId: 'acme', instanceId: null, outcome: 'refused', correlationId: expect.any(String), detail: { code: 'ROLE_REQUIRED' } };
  expect(recorded).toEqual([
    { ...refused, action: 'GET /api/admin/pool/stats' },
    { ...refused, action: 'DELETE /v2/nodes/:node_id' },
  ]);
});
