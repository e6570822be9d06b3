import type { NodeState } from '@corral/contracts';
import { AmqpEventBus, HttpEventBus, nameOfHost, parseAmqpUrls, type BusObserver, type EventBus } from '@corral/event-bus';
import { createHttpClient, type HttpClient } from '@corral/service-kit';
import { EventIntake } from '../assignments/event-intake.js';
import { controlPlaneToken } from '../node/control-plane-token.js';
import type { Ground } from './ground.js';

/** The ways between this node and its control plane. */
export interface NodeBus {
  /** Calls to the control plane: registration and heartbeats, whatever carries the events. */
  readonly client: HttpClient;
  readonly bus: EventBus;
  /** Takes commands, whichever way they come. */
  readonly intake: EventIntake;
  /** As the node reports it. */
  status(): NonNullable<NodeState['event_bus']>;
}

/** Chooses the transport of events. A broker that is away is no reason not to start. [E-02 E-12] */
export async function openBus(ground: Ground): Promise<NodeBus> {
  const { config, clock, log, metrics, journal, shutdown } = ground;
  const intake = new EventIntake({ journal, clock, log, onTaken: (type, outcome) => metrics.inc('events_consumed_total', { type, outcome }) });
  const client = createHttpClient({ baseUrl: config.orchestrator_url, token: await controlPlaneToken(config), requestTimeoutMs: config.control_plane.request_ms, connections: 4, clock });
  const bus = config.amqp_urls.length === 0 ? httpBus(ground, client) : amqpBus(ground, intake);
  shutdown.add('links', async () => {
    await bus.close();
    await client.close();
  });
  return {
    client,
    bus,
    intake,
    status: () => ({ mode: bus.state().mode, consumer_connected: bus.state().consuming, last_event_at: intake.lastEventMs === null ? null : new Date(intake.lastEventMs).toISOString() }),
  };
}

function httpBus({ nodeId, config, clock, log }: Ground, client: HttpClient): EventBus {
  return new HttpEventBus({ endpointOf: () => ({ client, path: `/v2/nodes/${encodeURIComponent(nodeId)}/events` }), log, clock, publishTimeoutMs: config.control_plane.request_ms });
}

function amqpBus({ nodeId, config, clock, log, random, metrics }: Ground, intake: EventIntake): EventBus {
  const parsed = parseAmqpUrls(config.amqp_urls);
  if (parsed.kind === 'malformed') throw new Error(`${parsed.message}; correct AMQP_URL`);
  log.info('events go through a broker', { brokers: parsed.hosts.map(nameOfHost) });
  const observer: BusObserver = {
    published: () => undefined,
    // What the intake takes it counts itself.
    consumed: (type, disposition) => disposition === 'dead_letter' && metrics.inc('events_consumed_total', { type, outcome: 'malformed' }),
  };
  const bus = new AmqpEventBus({ hosts: parsed.hosts, self: { kind: 'node', nodeId }, log, clock, random, observer, publishTimeoutMs: config.control_plane.request_ms });
  const take = async (event: unknown): Promise<void> => void (await intake.takeOne(event));
  bus.subscribe({ 'orchestrator.load': take, 'orchestrator.unload': take });
  return bus;
}
