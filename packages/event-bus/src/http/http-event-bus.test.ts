import { afterEach, describe, expect, test } from '@jest/globals';
import { createHttpApp, createHttpClient, listen, rawBody, recordingLog, silentLog, type HttpClient, type Listening } from '@corral/service-kit';
import { startTcpProxy } from '@corral/test-kit';
import { aCommand, BUS_NODES, EVENT_BUS_CASES, type BusNetwork, type EventBusCase } from '@corral/test-kit/conformance';
import { assertReceived, HttpEventBus, type HttpEventBusOptions } from './http-event-bus.js';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Side {
  readonly bus: HttpEventBus;
  readonly server: Listening;
  readonly client: HttpClient;
}

/** A bus behind a server of its own, as a daemon has it. */
async function aSide(path: string, endpointOf: HttpEventBusOptions['endpointOf']): Promise<Side> {
  const bus = new HttpEventBus({ endpointOf, log: silentLog });
  const side = await serve(bus, path);
  return { bus, ...side };
}

async function serve(bus: HttpEventBus, path: string): Promise<{ server: Listening; client: HttpClient }> {
  const app = createHttpApp({
    log: silentLog,
    routes: (routes) =>
      routes.post(path, async (req, res) => {
        assertReceived(await bus.receive(JSON.parse(rawBody(req).toString('utf8'))));
        res.status(202).json({});
      }),
  });
  const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
  const client = createHttpClient({ baseUrl: server.url, connectTimeoutMs: 30_000 });
  closing.push(() => server.close(0), () => client.close(), () => bus.close());
  return { server, client };
}

async function aNetwork(): Promise<BusNetwork> {
  const nodes = new Map<string, Side>();
  const wires = new Map<string, HttpClient>();
  const controlPlane = await aSide('/v2/nodes/:node_id/events', (target) => {
    const client = target.kind === 'node' ? (wires.get(target.nodeId) ?? nodes.get(target.nodeId)?.client) : undefined;
    return client && { client, path: '/v2/events' };
  });
  for (const nodeId of Object.values(BUS_NODES)) {
    nodes.set(nodeId, await aSide('/v2/events', () => ({ client: controlPlane.client, path: `/v2/nodes/${nodeId}/events` })));
  }
  const nodeA = nodes.get(BUS_NODES.a);
  const nodeB = nodes.get(BUS_NODES.b);
  if (nodeA === undefined || nodeB === undefined) throw new Error('no nodes');
  // A port that was given up may be another program's by the time that it is wanted again: it is the wire that is cut.
  const wire = await startTcpProxy(nodeA.server.port);
  const client = createHttpClient({ baseUrl: `http://127.0.0.1:${wire.port}` });
  closing.push(() => wire.close(), () => client.close());
  wires.set(BUS_NODES.a, client);
  return {
    controlPlane: controlPlane.bus,
    nodeA: nodeA.bus,
    nodeB: nodeB.bus,
    deliverRawToNodeA: async (value) => void (await nodeA.client.exchange('POST', '/v2/events', value).catch(() => undefined)),
    cutOffNodeA: () => {
      wire.cut();
      return Promise.resolve(() => Promise.resolve(wire.restore()));
    },
    close: () => Promise.resolve(),
  };
}

describe('conformance of the HTTP transport', () => {
  for (const one of EVENT_BUS_CASES) test(one.title, () => assertKept(one));
});

async function assertKept(one: EventBusCase): Promise<void> {
  const network = await aNetwork();
  await one.run(network);
  await network.close();
}

describe('the HTTP transport', () => {
  const toA = { kind: 'node', nodeId: BUS_NODES.a } as const;

  test('E-08 a target that refuses the event for good is told apart from one that is away', async () => {
    const node = await aSide('/v2/events', () => undefined);
    const wrongPath = new HttpEventBus({ endpointOf: () => ({ client: node.client, path: '/v2/nowhere' }), log: silentLog });
    const bus = new HttpEventBus({ endpointOf: () => ({ client: node.client, path: '/v2/events' }), log: silentLog });
    const malformed = { ...aCommand(), data: {} } as never;
    expect([await bus.publish(malformed, toA), await wrongPath.publish(aCommand(), toA)].map(({ kind }) => kind)).toEqual(['refused', 'unavailable']);
  });

  test('E-39 what is published while a delivery is under way goes with the next one, in order; of several that are refused together each is judged alone', async () => {
    const posted: unknown[] = [];
    const app = createHttpApp({
      log: silentLog,
      routes: (routes) =>
        routes.post('/v2/events', (req, res) => {
          const body = JSON.parse(rawBody(req).toString('utf8')) as { data: { generation: number } } | { data: { generation: number } }[];
          const generations = [body].flat().map(({ data }) => data.generation);
          posted.push(Array.isArray(body) ? generations : generations[0]);
          assertReceived(generations.includes(3) ? { kind: 'malformed', reason: 'three' } : { kind: 'accepted' });
          res.json({});
        }),
    });
    const server = await listen(app, { host: '127.0.0.1', port: 0 }, { log: silentLog });
    const client = createHttpClient({ baseUrl: server.url });
    closing.push(() => server.close(0), () => client.close());
    const bus = new HttpEventBus({ endpointOf: () => ({ client, path: '/v2/events' }), log: silentLog });
    const outcomes = await Promise.all([1, 2, 3, 4].map((generation) => bus.publish(aCommand({ generation }), toA)));
    expect([outcomes.map(({ kind }) => kind), posted]).toEqual([['confirmed', 'confirmed', 'refused', 'confirmed'], [1, [2, 3, 4], 2, 3, 4]]);
  });

  test('E-08 a target that nobody knows is unavailable, by name', async () => {
    const bus = new HttpEventBus({ endpointOf: () => undefined, log: silentLog });
    expect(await bus.publish(aCommand(), toA)).toEqual({ kind: 'unavailable', reason: 'node node-a is not known' });
  });

  test('C-83 of a list, what is malformed does not cost the rest, and is logged', async () => {
    const { log, lines } = recordingLog();
    const seen: number[] = [];
    const consumed: string[] = [];
    const observer = { published: () => undefined, consumed: (type: string, outcome: string) => void consumed.push(`${type} ${outcome}`) };
    const bus = new HttpEventBus({ endpointOf: () => undefined, log, observer });
    bus.subscribe({ 'orchestrator.load': ({ data }) => void seen.push(data.generation) });
    expect(await bus.receive([aCommand({ generation: 1 }), { type: 'orchestrator.load' }, aCommand({ generation: 2 })])).toEqual({ kind: 'accepted' });
    expect(seen).toEqual([1, 2]);
    expect(consumed).toEqual(['orchestrator.load ack', 'unknown dead_letter', 'orchestrator.load ack']);
    expect(lines.map(({ level, message }) => [level, message])).toEqual([['warn', 'malformed event dropped']]);
  });

  test('E-10 deliveries beyond the limit are told to come again', async () => {
    const bus = new HttpEventBus({ endpointOf: () => undefined, log: silentLog, deliveriesMax: 1 });
    let finish = (): void => undefined;
    bus.subscribe({ 'orchestrator.load': () => new Promise<void>((resolve) => (finish = resolve)) });
    const first = bus.receive(aCommand());
    await Promise.resolve();
    expect(await bus.receive(aCommand())).toEqual({ kind: 'unavailable', reason: '1 deliveries are being handled already' });
    finish();
    expect(await first).toEqual({ kind: 'accepted' });
  });

  test('E-08 a publish to a target that does not answer ends after its time limit', async () => {
    const node = await aSide('/v2/events', () => undefined);
    node.bus.subscribe({ 'orchestrator.load': () => new Promise<void>((resolve) => void setTimeout(resolve, 500)) });
    const bus = new HttpEventBus({ endpointOf: () => ({ client: node.client, path: '/v2/events' }), log: silentLog, publishTimeoutMs: 50 });
    expect((await bus.publish(aCommand(), toA)).kind).toBe('unavailable');
  });
});
