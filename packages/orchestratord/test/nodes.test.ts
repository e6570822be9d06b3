import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { assignmentsHash, ORCHESTRATORD_METRICS, type Assignment, type NodeState } from '@corral/contracts';
import { HttpEventBus } from '@corral/event-bus';
import { createHttpApp, createHttpClient, createMetrics, listen, silentLog, systemClock, type Clock } from '@corral/service-kit';
import { FakeClock } from '@corral/test-kit';
import { nodeRoutes } from '../src/http/nodes.routes.js';
import { poolRoutes } from '../src/http/pools.routes.js';
import type { ServedPool } from '../src/manifest/served-manifest.js';
import { subscribeToNodes } from '../src/nodes/node-events.js';
import type { CatalogIntentSource } from '../src/nodes/catalog-intent.js';
import { NodeRegistry } from '../src/nodes/node-registry.js';
import type { NodeChange } from '../src/nodes/node-view.js';
import { anAssignment } from './fixtures.js';
import { aNodeModel, aNodeState, anEvent, anOutcome, aPoolStatus, aRegistration } from './node-fixtures.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Setup {
  readonly clock?: Clock;
  readonly pools?: readonly ServedPool[];
  readonly staticUrls?: readonly string[];
  readonly wanted?: readonly Assignment[];
  readonly nodesMax?: number;
}

const CATALOG: CatalogIntentSource = {
  version: () => 7,
  forNodes: () => ({ catalog_version: 7, models: [{ model_id: 'org/a:b', digest: null, sources: ['file:/a.gguf'], state: 'Retired', pinned: true, retired_at_ms: 5 }] }),
};

async function aRegistry({ clock = systemClock, pools = [], staticUrls = [], wanted = [], nodesMax = 10 }: Setup = {}) {
  const metrics = createMetrics(ORCHESTRATORD_METRICS);
  const told: string[] = [];
  const registry = new NodeRegistry({
    clock, metrics, pools: () => pools, staticUrls, nodesMax, log: silentLog, incarnation: 'orch-1', token: undefined, heartbeatMs: 10_000, offlineMs: 30_000,
    host: { machineId: 'm1', hostName: 'box' },
    catalog: CATALOG,
    wanted: { assignmentsOf: (nodeId) => wanted.filter(({ target }) => target.node_id === nodeId), preloadsOf: () => [], toldAll: (nodeId) => void told.push(nodeId) },
  });
  const changes: string[] = [];
  registry.onChange((change: NodeChange) => void changes.push(`${change.nodeId} ${change.type}`));
  const bus = new HttpEventBus({ endpointOf: () => undefined, log: silentLog });
  subscribeToNodes(bus, registry);
  const app = createHttpApp({
    log: silentLog,
    routes: (routes) => {
      nodeRoutes(routes, { nodes: registry, catalog: CATALOG, bus });
      poolRoutes(routes, { nodes: registry, leasesOf: () => 0, depthOf: (_, priority) => (priority === 'batch' ? 3 : 1), reasonOf: () => undefined });
    },
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url });
  closing.push(() => server.close(0), () => client.close(), () => registry.close());
  return { registry, client, changes, told, metrics };
}

/** A node's own HTTP side: answers with a state, remembers what it was asked. */
async function aNodeServer(state: () => NodeState): Promise<{ url: string; asked: string[]; server: Server }> {
  const asked: string[] = [];
  const server = createServer((req, res) => {
    asked.push(`${req.method} ${req.url}`);
    res.setHeader('content-type', 'application/json');
    if (req.url === '/v2/node') res.end(JSON.stringify(state()));
    else res.writeHead(202).end('{}');
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  closing.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, server };
}

async function eventually(check: () => void): Promise<void> {
  for (const endMs = Date.now() + 60_000; ; ) {
    try {
      check();
      return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const refusal = (code: string) => expect.objectContaining({ code });

describe('registration and heartbeats', () => {
  test('P-12 T-136 a node registers, again and again, and is listed once', async () => {
    const { client } = await aRegistry();
    const answer = { success: true, message: 'registered', node_id: 'n1', next_heartbeat_ms: 10_000, orchestrator_incarnation: 'orch-1', catalog_version: 7, pools: null, preloads: [] };
    expect(await client.json('POST', '/v2/nodes/register', aRegistration())).toEqual(answer);
    expect(await client.json('POST', '/v2/nodes/register', aRegistration({ seq: 2 }))).toEqual(answer);
    expect(await client.json('GET', '/v2/nodes')).toEqual({
      data: [{ node_id: 'n1', address: 'http://127.0.0.1:9200', online: true, state: 'online', origin: 'registered', version: '0.1.0', last_heartbeat_ms: expect.any(Number), consumer_connected: null, last_event_ms: null, pools: ['n1-cpu'], models: [], staging: null, last_error: null }],
      next_cursor: null,
    });
  });

  test('G-19 D-61 a node that registered gets the intent of the catalog; one that is not known does not', async () => {
    const { client } = await aRegistry();
    await expect(client.json('GET', '/v2/nodes/n1/catalog')).rejects.toEqual(refusal('NOT_FOUND'));
    await client.json('POST', '/v2/nodes/register', aRegistration());
    expect(await client.json('GET', '/v2/nodes/n1/catalog')).toEqual(CATALOG.forNodes());
  });

  test('P-13 a heartbeat is answered, and from a node that is not registered with 404', async () => {
    const { client, metrics } = await aRegistry();
    await client.json('POST', '/v2/nodes/register', aRegistration());
    expect(await client.json('POST', '/v2/nodes/n1/heartbeat', { state: aNodeState({ seq: 2 }) })).toEqual({ success: true, next_heartbeat_ms: 10_000, orchestrator_incarnation: 'orch-1', catalog_version: 7, preloads: [] });
    await expect(client.json('POST', '/v2/nodes/n2/heartbeat', { state: aNodeState({ node_id: 'n2' }) })).rejects.toEqual(refusal('NOT_FOUND'));
    const text = await metrics.exposition();
    expect(text).toContain('orchd_node_heartbeats_total{node_id="n1",outcome="accepted"} 1');
    expect(text).toContain('orchd_node_heartbeats_total{node_id="unknown",outcome="unknown"} 1');
    expect(text).toContain('orchd_nodes_online 1');
    expect(text).toContain('orchd_pools_available{pool_id="n1-cpu"} 1');
  });

  test('E-24 a process that another one replaced is told so', async () => {
    const { client, changes } = await aRegistry();
    await client.json('POST', '/v2/nodes/register', aRegistration());
    await client.json('POST', '/v2/nodes/register', aRegistration({ incarnation: 'i2' }));
    await expect(client.json('POST', '/v2/nodes/n1/heartbeat', { state: aNodeState({ seq: 7 }) })).rejects.toEqual(refusal('CONFLICT'));
    expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 restarted', 'n1 online']);
  });

  test.each([
    ['another node id in the state', { ...aRegistration(), node_id: 'n2' }],
    ['an address that is no URL', aRegistration({}, 'somewhere')],
    ['a pool of another node', aRegistration({ pools: [aPoolStatus({ node_id: 'n2' })] })],
    ['an unknown field', { ...aRegistration(), extra: 1 }],
  ])('P-12 %s is refused with 400', async (_what, request) => {
    const { client } = await aRegistry();
    await expect(client.json('POST', '/v2/nodes/register', request)).rejects.toEqual(refusal('INVALID_PARAMS'));
  });

  test('P-15 a node that deregisters is gone at once; twice is 404', async () => {
    const { client, changes, metrics } = await aRegistry();
    await client.json('POST', '/v2/nodes/register', aRegistration());
    expect((await client.exchange('DELETE', '/v2/nodes/n1')).status).toBe(204);
    expect(await client.json('GET', '/v2/nodes')).toEqual({ data: [], next_cursor: null });
    expect(await client.json('GET', '/v2/pools')).toEqual({ data: [], next_cursor: null });
    await expect(client.exchange('DELETE', '/v2/nodes/n1')).rejects.toEqual(refusal('NOT_FOUND'));
    expect(changes.at(-1)).toBe('n1 gone');
    expect(await metrics.exposition()).not.toContain('orchd_pools_available{');
  });

  test('P-12 the number of nodes is bounded; the one that is away longest makes room', async () => {
    const clock = new FakeClock();
    const { registry } = await aRegistry({ clock, nodesMax: 2 });
    registry.start();
    for (const node_id of ['n1', 'n2']) registry.register(aRegistration({ node_id }));
    expect(registry.register(aRegistration({ node_id: 'n3' }))).toMatchObject({ kind: 'refused', field: 'node_id' });
    await clock.advance(31_000);
    expect(registry.register(aRegistration({ node_id: 'n3' })).kind).toBe('taken');
    expect(registry.nodes().map(({ node_id }) => node_id)).toEqual(['n2', 'n3']);
  });
});

describe('what a node is told', () => {
  const wanted = [anAssignment()];

  test('E-10 its whole set, as often as its own differs, and nothing when it is equal', async () => {
    const { client, told } = await aRegistry({ wanted });
    expect(await client.json('POST', '/v2/nodes/register', aRegistration())).toMatchObject({ assignments: wanted });
    expect(await client.json('POST', '/v2/nodes/n1/heartbeat', { state: aNodeState({ seq: 2, assignments_hash: 'other' }) })).toMatchObject({ assignments: wanted });
    expect(await client.json('POST', '/v2/nodes/n1/heartbeat', { state: aNodeState({ seq: 3, assignments_hash: assignmentsHash(wanted) }) })).not.toHaveProperty('assignments');
    expect(told).toEqual(['n1', 'n1']);
  });

  test('E-10 a node that has what nobody wants is told an empty set', async () => {
    const { client } = await aRegistry();
    expect(await client.json('POST', '/v2/nodes/register', aRegistration({ assignments_hash: assignmentsHash(wanted) }))).toMatchObject({ assignments: [] });
  });

  test('P-05 P-14 its pools of the manifest; it is online once it has them', async () => {
    const pools: ServedPool[] = [{ poolId: 'p1', nodeId: 'local', device: 'cpu', memoryBytes: 500, queueCapacity: null, fullPolicy: null, required: false }];
    const { client } = await aRegistry({ pools });
    const told = [{ pool_id: 'p1', device: 'cpu', memory_bytes: 500 }];
    expect(await client.json('POST', '/v2/nodes/register', aRegistration())).toMatchObject({ pools: told, next_heartbeat_ms: 250 });
    expect(await client.json('GET', '/v2/nodes')).toMatchObject({ data: [{ state: 'registering', online: false }] });
    const settled = aNodeState({ seq: 2, pools: [aPoolStatus({ pool_id: 'p1' })] });
    expect(await client.json('POST', '/v2/nodes/n1/heartbeat', { state: settled })).toEqual({ success: true, next_heartbeat_ms: 10_000, orchestrator_incarnation: 'orch-1', catalog_version: 7, preloads: [] });
    expect(await client.json('GET', '/v2/nodes')).toMatchObject({ data: [{ state: 'online', online: true, pools: ['p1'] }] });
  });
});

describe('silence', () => {
  test('P-14 T-128 a node is offline after the limit, not before, and online with its next heartbeat', async () => {
    const clock = new FakeClock();
    const { registry, changes } = await aRegistry({ clock });
    registry.start();
    registry.register(aRegistration());
    await clock.advance(29_000);
    expect(registry.pool('n1-cpu')).toMatchObject({ online: true, snapshotAgeMs: 29_000 });
    await clock.advance(1_000);
    expect(registry.nodes()).toMatchObject([{ node_id: 'n1', state: 'offline', last_heartbeat_ms: 30_000, last_error: 'it has not reported for 30 s' }]);
    expect(registry.heartbeat('n1', aNodeState({ seq: 2 })).kind).toBe('taken');
    expect(registry.pool('n1-cpu')).toMatchObject({ online: true, snapshotAgeMs: 0 });
    expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 offline', 'n1 online']);
  });
});

describe('static nodes', () => {
  test('P-11 P-16 T-131 their pools are usable without registration, and each node counts once', async () => {
    const a = await aNodeServer(() => aNodeState({ node_id: 'a' }));
    const b = await aNodeServer(() => aNodeState({ node_id: 'b' }));
    const { registry } = await aRegistry({ staticUrls: [a.url, `${a.url}/`, b.url] });
    registry.start();
    await eventually(() => expect(registry.pools().map(({ poolId, online }) => [poolId, online])).toEqual([['a-cpu', true], ['b-cpu', true]]));
    registry.register(aRegistration({ node_id: 'a', seq: 9 }, a.url));
    expect(registry.nodes().map(({ node_id, origin }) => [node_id, origin])).toEqual([['a', 'registered'], ['b', 'static']]);
  });

  test('P-16 one that does not answer is offline after three misses in a row, and online with its next answer', async () => {
    const clock = new FakeClock();
    let isDown = false;
    const node = await aNodeServer(() => (isDown ? ({} as never) : aNodeState({ node_id: 'a', seq: node.asked.length })));
    const { registry } = await aRegistry({ clock, staticUrls: [node.url] });
    const afterPoll = async (count: number): Promise<boolean | undefined> => {
      if (count > 1) await clock.advance(5_000);
      await eventually(() => expect([node.asked.length, clock.sleeping]).toEqual([count, 2]));
      return registry.pool('a-cpu')?.online;
    };
    registry.start();
    expect(await afterPoll(1)).toBe(true);
    isDown = true;
    expect([await afterPoll(2), await afterPoll(3), await afterPoll(4)]).toEqual([true, true, false]);
    isDown = false;
    expect(await afterPoll(5)).toBe(true);
  });

  test('P-16 an address that never answered is listed with its reason', async () => {
    const { registry } = await aRegistry({ staticUrls: ['http://127.0.0.1:9'] });
    registry.start();
    await eventually(() => expect(registry.nodes()).toMatchObject([{ node_id: 'static-127.0.0.1-9', state: 'registering', last_error: expect.stringContaining('http://127.0.0.1:9 does not answer') }]));
  });

  test('P-16 something else on that port is no node', async () => {
    const node = await aNodeServer(() => ({ hello: 'world' }) as never);
    const { registry } = await aRegistry({ staticUrls: [node.url] });
    registry.start();
    await eventually(() => expect(registry.nodes()).toMatchObject([{ origin: 'static', last_error: expect.stringContaining('does not answer as a node does') }]));
    expect(registry.pools()).toEqual([]);
  });
});

describe('events', () => {
  test('E-23 an event changes the view at once and makes the registry ask the node for the rest', async () => {
    const node = await aNodeServer(() => aNodeState({ seq: 5, models: [aNodeModel()] }));
    const { registry, client, changes } = await aRegistry();
    registry.register(aRegistration({}, node.url));
    await client.exchange('POST', '/v2/nodes/n1/events', [anEvent('instance.loaded', anOutcome()), anEvent('pool.unready', aPoolStatus({ ready: false }))]);
    expect(registry.places()[0]?.assignments).toMatchObject([{ residency: 'resident' }]);
    expect(registry.pool('n1-cpu')?.status.ready).toBe(false);
    await eventually(() => expect(registry.models()).toMatchObject([{ modelId: 'smollm2', nodeIds: ['n1'], retired: false }]));
    expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 event', 'n1 event', 'n1 reported']);
  });

  test('E-23 from a node that is not known 404, about another node nothing, no list 400', async () => {
    const { client, registry, changes } = await aRegistry();
    await expect(client.exchange('POST', '/v2/nodes/n1/events', [])).rejects.toEqual(refusal('NOT_FOUND'));
    for (const node_id of ['n1', 'n2']) registry.register(aRegistration({ node_id }));
    const before = changes.length;
    await expect(client.exchange('POST', '/v2/nodes/n1/events', [anEvent('pool.unready', aPoolStatus({ node_id: 'n2', pool_id: 'n2-cpu', ready: false }))])).rejects.toEqual(refusal('INVALID_PARAMS'));
    await expect(client.exchange('POST', '/v2/nodes/n1/events', { type: 'pool.ready' })).rejects.toEqual(refusal('INVALID_PARAMS'));
    expect(changes.length).toBe(before);
    expect(registry.pool('n2-cpu')?.status.ready).toBe(true);
  });
});

describe('a node that cannot be reached', () => {
  test('P-17 whoever meets it finds out within seconds: three questions without an answer, and it is offline until its next report', async () => {
    const { registry, changes } = await aRegistry();
    registry.register(aRegistration({}, 'http://127.0.0.1:9'));
    registry.refresh('n1');
    registry.refresh('n1');
    await eventually(() => expect(registry.nodes()).toMatchObject([{ state: 'offline', last_error: expect.stringContaining('it does not answer') }]));
    expect(registry.pool('n1-cpu')?.online).toBe(false);
    expect(registry.heartbeat('n1', aNodeState({ seq: 2 })).kind).toBe('taken');
    expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 offline', 'n1 online']);
  });

  test('P-17 one that no connection can be made to is offline at once, and online as soon as it answers', async () => {
    const node = await aNodeServer(() => aNodeState({ seq: 5 }));
    const { registry, changes } = await aRegistry();
    registry.register(aRegistration({}, node.url));
    registry.unreachable('n1', 'ECONNREFUSED');
    expect(registry.nodes()).toMatchObject([{ state: 'offline', last_error: 'it cannot be reached (ECONNREFUSED)' }]);
    await eventually(() => expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 offline', 'n1 online']));
    registry.unreachable('unknown', 'ECONNREFUSED');
  });

  test('P-17 one that answers late is not offline', async () => {
    let asked = 0;
    const node = await aNodeServer(() => ((asked += 1) < 3 ? ({} as never) : aNodeState({ seq: 5 })));
    const { registry, changes } = await aRegistry();
    registry.register(aRegistration({}, node.url));
    registry.refresh('n1');
    await eventually(() => expect(changes).toEqual(['n1 registered', 'n1 online', 'n1 reported']));
    expect(asked).toBe(3);
  });
});

describe('pools', () => {
  test('B-100 G-36 one pool or 404 with what is near; of a silent node not ready, with the reason', async () => {
    const clock = new FakeClock();
    const { registry, client } = await aRegistry({ clock });
    registry.start();
    registry.register(aRegistration());
    expect(await client.json('GET', '/v2/pools/n1-cpu/health')).toEqual({
      ...aPoolStatus(), model_id: null, device_mask: '', vram_total_bytes: 1_000, vram_free_bytes: 1_000,
      metrics: { queue_depth_interactive: 1, queue_depth_batch: 3, active_leases: 0, replicas_resident: 0 },
    });
    await expect(client.json('GET', '/v2/pools/n1-cpx/health')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('did you mean n1-cpu?') });
    await clock.advance(31_000);
    expect(await client.json('GET', '/v2/pools')).toMatchObject({ data: [{ pool_id: 'n1-cpu', live: false, ready: false, last_error: 'node n1 has not reported for 31 s; look at its log' }] });
  });

  test('E-25 a pool id that two nodes have is used once, and the second node says so', async () => {
    const { registry } = await aRegistry();
    registry.register(aRegistration({ node_id: 'n1' }));
    registry.register(aRegistration({ node_id: 'n2', pools: [aPoolStatus({ node_id: 'n2', pool_id: 'n1-cpu' }), aPoolStatus({ node_id: 'n2', pool_id: 'n2-gpu' })] }));
    expect(registry.pools().map(({ nodeId, poolId }) => [nodeId, poolId])).toEqual([['n1', 'n1-cpu'], ['n2', 'n2-gpu']]);
    expect(registry.nodes().map(({ last_error }) => last_error)).toEqual([null, 'pool id n1-cpu is used by node n1 too, so this one is not used; give the pools in the manifest ids of their own']);
  });

  test('C-52 a reset is passed on to the node; an unknown pool is 404, a node that is away 503', async () => {
    const node = await aNodeServer(() => aNodeState({ seq: 2 }));
    const { registry, client } = await aRegistry();
    registry.register(aRegistration({}, node.url));
    expect((await client.exchange('POST', '/v2/pools/n1-cpu/reset')).status).toBe(202);
    expect(node.asked[0]).toBe('POST /v2/pools/n1-cpu/reset');
    await expect(client.exchange('POST', '/v2/pools/nope/reset')).rejects.toEqual(refusal('NOT_FOUND'));
    registry.register(aRegistration({ node_id: 'n2' }, 'http://127.0.0.1:9'));
    await expect(client.exchange('POST', '/v2/pools/n2-cpu/reset')).rejects.toEqual(refusal('NODE_UNAVAILABLE'));
  });

  test('E-23 clients of a node are kept while its address stays, and are gone with it', async () => {
    const { registry } = await aRegistry();
    registry.register(aRegistration({}, 'http://127.0.0.1:9201'));
    const first = registry.clientFor('n1');
    expect(registry.clientFor('n1')).toBe(first);
    registry.register(aRegistration({ seq: 2 }, 'http://127.0.0.1:9202'));
    expect(registry.clientFor('n1')?.peer).toBe('127.0.0.1:9202');
    registry.deregister('n1');
    expect(registry.clientFor('n1')).toBeUndefined();
  });
});
