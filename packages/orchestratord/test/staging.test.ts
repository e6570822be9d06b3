import { afterEach, describe, expect, test } from '@jest/globals';
import type { CacheList } from '@corral/contracts';
import { createHttpApp, createHttpClient, listen, silentLog } from '@corral/service-kit';
import { stagingRoutes } from '../src/http/staging.routes.js';
import { aNodeModel } from './node-fixtures.js';
import { standInNodes, type NodeBehaviour as StandIn } from './stand-in-nodes.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const list = (over: Partial<CacheList> = {}): CacheList => ({ data: [], used_bytes: 0, max_bytes: 1_000, best_effort: false, failures: [], next_cursor: null, ...over });
const { digest } = aNodeModel();
const entry = (over: Partial<CacheList['data'][number]> = {}) => ({ model_id: 'smollm2', digest, path: '/dev/shm/x', size_bytes: 200, state: 'staged' as const, progress: null, pinned: false, leases: 0, ...over });

interface NodeBehaviour {
  readonly cache?: object;
  readonly refusal?: { readonly status: number; readonly code: string };
  readonly isGone?: boolean;
}

/** A control plane that knows these nodes, each of which has `smollm2`, and what they were asked. */
async function aControlPlane(behaviours: Readonly<Record<string, NodeBehaviour>>, online = true) {
  const told = Object.entries(behaviours).map(([nodeId, { cache = list(), refusal, isGone = false }]): [string, StandIn] => {
    const said = refusal === undefined ? ([202, {}] as const) : ([refusal.status, { code: refusal.code, message: `${nodeId} says no`, retriable: false }] as const);
    return [nodeId, { isGone, online, models: [aNodeModel()], answers: (method) => (method === 'GET' ? [200, cache] : said) }];
  });
  const standIns = await standInNodes(Object.fromEntries(told), () => ({}));
  closing.push(() => standIns.close());
  const models = [{ modelId: 'smollm2', digest, sizeBytes: 200, facts: null, retired: false, nodeIds: Object.keys(behaviours) }];
  const nodes = { ...standIns, models: () => models };
  const server = await listen(createHttpApp({ log: silentLog, routes: (app) => stagingRoutes(app, { nodes }) }), { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url });
  closing.push(() => server.close(0), () => client.close());
  return { client, asked: standIns.asked };
}
const path = '/v2/catalog/models/smollm2/stage';

describe('staging by hand', () => {
  test('C-230 it is passed on to every node that has the file, and their answers are shown', async () => {
    const { client, asked } = await aControlPlane({ n1: { cache: list({ data: [entry()] }) }, n2: { cache: list({ data: [entry({ state: 'staging', progress: 0.5 }) as never] }) } });
    expect(await client.exchange('POST', path)).toMatchObject({
      status: 202,
      body: {
        model_id: 'smollm2',
        nodes: [
          { node_id: 'n1', state: 'staged', size_bytes: 200, progress: null, last_error: null },
          { node_id: 'n2', state: 'staging', size_bytes: 200, progress: 0.5, last_error: null },
        ],
      },
    });
    expect(asked.filter((call) => call.includes('POST'))).toEqual(['n1 POST /v2/cache/stage {"model_id":"smollm2"}', 'n2 POST /v2/cache/stage {"model_id":"smollm2"}']);
  });

  test('C-230 T-113 what every node refuses is refused in the words of the first', async () => {
    const { client } = await aControlPlane({ n1: { refusal: { status: 413, code: 'STAGE_TOO_LARGE' } }, n2: { refusal: { status: 409, code: 'MODEL_IN_USE' } } });
    await expect(client.exchange('POST', path)).rejects.toMatchObject({ code: 'STAGE_TOO_LARGE', message: 'n1 says no' });
  });

  test('C-230 where one node can, another that cannot be reached does no harm', async () => {
    const { client } = await aControlPlane({ n1: { isGone: true }, n2: { cache: list({ data: [entry()] }) } });
    const { body } = await client.exchange('POST', path);
    expect(body).toMatchObject({ nodes: [{ node_id: 'n1', state: 'not_staged', last_error: expect.stringContaining('node n1 cannot be reached') }, { node_id: 'n2', state: 'staged' }] });
  });

  test('C-230 why a copy failed is told by the look', async () => {
    const { client } = await aControlPlane({ n1: { cache: list({ failures: [{ model_id: 'smollm2', digest, message: 'its file is too short' }] }) } });
    expect(await client.json('GET', path)).toMatchObject({ nodes: [{ state: 'not_staged', last_error: 'its file is too short' }] });
  });

  test('C-230 a model that no node has is 404 with what is near it, one whose node is away 503', async () => {
    const known = await aControlPlane({ n1: {} });
    await expect(known.client.exchange('POST', '/v2/catalog/models/smollm3/stage')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('did you mean smollm2?') });
    const away = await aControlPlane({ n1: {} }, false);
    await expect(away.client.exchange('POST', path)).rejects.toMatchObject({ code: 'NODE_UNAVAILABLE', message: expect.stringContaining('n1') });
  });
});
