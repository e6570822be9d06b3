import { afterEach, describe, expect, test } from '@jest/globals';
import type { GcPlan, GcReport } from '@corral/contracts';
import { createHttpApp, createHttpClient, listen, Operations, operationRoutes, silentLog, systemClock } from '@corral/service-kit';
import type { AccessCaller } from '../src/access/principal.js';
import type { AuditRecord } from '../src/audit/audit.js';
import { gcRoutes } from '../src/http/gc.routes.js';
import { standInNodes, type NodeBehaviour } from './stand-in-nodes.js';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const disk = { path: '/models', used_percent: 50, free_gb: 1, total_bytes: 2_000_000_000, free_bytes: 1_000_000_000 };
const thresholds = { max_disk_usage_percent: 90, min_free_gb: 0 };
const gone = { id: 'old', kind: 'model', rule: 'DeleteRetired', bytes: 7 } as const;
const plan: GcPlan = { would_delete: [gone], kept: [], disk, thresholds, thresholds_met: true, thresholds_met_after: true, disk_after: disk };
const report: GcReport = { trigger: 'operator', started_at: '2026-01-01T00:00:00.000Z', duration_ms: 3, deleted: [gone], failed: [], kept: [], freed_bytes: 7, disk, disk_after: disk, thresholds, thresholds_met_after: true };
const ADMIN: AccessCaller = { identity: 'key:k1', principal: { orgId: 'default', role: 'system_admin', keyId: 'k1', identity: 'key:k1' }, allowedModels: null, charge: () => undefined, orgIds: () => ['default'] };

async function aControlPlane(behaviours: Readonly<Record<string, NodeBehaviour>>) {
  const audit: AuditRecord[] = [];
  const nodes = await standInNodes(behaviours, (method) => (method === 'GET' ? plan : report));
  closing.push(() => nodes.close());
  const operations = new Operations({ clock: systemClock, log: silentLog });
  closing.push(() => operations.close());
  const app = createHttpApp({
    log: silentLog,
    auth: () => ADMIN,
    routes: (routes) => {
      gcRoutes(routes, { nodes, operations, audit: { record: (entry) => Promise.resolve(void audit.push(entry)) }, clock: systemClock });
      operationRoutes(routes, operations);
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url });
  closing.push(() => server.close(0), () => client.close());
  return { client, asked: nodes.asked, audit, refreshed: nodes.refreshed };
}

describe('garbage collection on every node', () => {
  test('D-69 D-38 a dry run has the plan of each node, and in the place of it why there is none', async () => {
    const { client, asked, audit } = await aControlPlane({ n1: {}, n2: { answers: [503, { code: 'SHUTTING_DOWN', message: 'n2 stops', retriable: true }] }, n3: { isGone: true }, n4: { online: false }, n5: { answers: [200, { nothing: true }] } });
    expect(await client.exchange('POST', '/v2/catalog/gc?dry_run=true')).toMatchObject({
      status: 200,
      body: {
        nodes: {
          n1: plan,
          n2: { error: { code: 'SHUTTING_DOWN', message: expect.stringContaining('n2 stops') } },
          n3: { error: { code: 'NODE_UNAVAILABLE', message: expect.stringContaining('node n3 cannot be reached') } },
          n4: { error: { code: 'NODE_UNAVAILABLE', message: expect.stringContaining('node n4 does not report') } },
          n5: { error: { code: 'INTERNAL', message: expect.stringContaining('run the same version on both') } },
        },
      },
    });
    expect([asked.filter((one) => one.startsWith('n1')), audit]).toEqual([['n1 GET /v2/gc/plan'], []]);
  });

  test('D-69 B-114 a pass is an operation whose result is what the nodes did; it is audited, and the nodes are looked at anew', async () => {
    const { client, asked, audit, refreshed } = await aControlPlane({ n1: {}, n2: {} });
    const { status, body } = await client.exchange('POST', '/v2/catalog/gc');
    expect([status, body]).toEqual([202, expect.objectContaining({ kind: 'catalog_gc', state: 'succeeded', result: { nodes: { n1: report, n2: report } } })]);
    expect([asked.toSorted(), refreshed]).toEqual([['n1 POST /v2/gc {}', 'n2 POST /v2/gc {}'], ['n1', 'n2']]);
    expect(audit).toEqual([expect.objectContaining({ action: 'catalog.gc', source: 'api_catalog', actor: 'key:k1', outcome: 'granted', detail: { operation_id: (body as { operation_id: string }).operation_id } })]);
    expect((await client.exchange('POST', '/v2/catalog/gc?wait=true')).status).toBe(200);
  });

  test('D-69 a pass that takes its time is answered before it has ended', async () => {
    const { client } = await aControlPlane({ n1: { hangs: true } });
    expect(await client.exchange('POST', '/v2/catalog/gc')).toMatchObject({ status: 202, body: { state: 'running', phase: 'collecting', result: null } });
  });

  test('D-69 D-38 the body may ask for the dry run too', async () => {
    const { client, asked } = await aControlPlane({ n1: {} });
    expect(await client.exchange('POST', '/v2/catalog/gc', { dry_run: true })).toMatchObject({ status: 200, body: { nodes: { n1: plan } } });
    expect(asked).toEqual(['n1 GET /v2/gc/plan']);
  });

  test.each(['dry_run=maybe', 'wait=perhaps', 'dryrun=true', 'dry_run=true&dry_run=true'])('D-69 ?%s is refused, and nothing is collected', async (query) => {
    const { client, asked } = await aControlPlane({ n1: {} });
    await expect(client.exchange('POST', `/v2/catalog/gc?${query}`)).rejects.toMatchObject({ code: 'INVALID_PARAMS' });
    expect(asked).toEqual([]);
  });
});
