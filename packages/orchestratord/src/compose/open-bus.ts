import type { ORCHESTRATORD_METRICS } from '@corral/contracts';
import { AmqpEventBus, HttpEventBus, nameOfHost, parseAmqpUrls, type BusObserver, type EventBus, type HttpEventBusOptions } from '@corral/event-bus';
import type { Clock, Log, Metrics } from '@corral/service-kit';
import type { OutboxRelay } from '../assignments/outbox-relay.js';
import type { OrchestratordConfig } from '../config.js';
import type { EventFeed } from '../events/event-feed.js';
import { feedFromNodes, subscribeToNodes } from '../nodes/node-events.js';
import type { NodeRegistry } from '../nodes/node-registry.js';

export interface BusParts {
  readonly config: Pick<OrchestratordConfig, 'amqp_urls'>;
  readonly log: Log;
  readonly clock: Clock;
  readonly metrics: Metrics<typeof ORCHESTRATORD_METRICS>;
  readonly endpointOf: HttpEventBusOptions['endpointOf'];
  /** Where everything that passes is shown. */
  readonly feed: EventFeed;
}

export interface ControlPlaneBus {
  /** Through the broker where one is configured, else straight to each node. */
  readonly bus: EventBus;
  /** What nodes post: some may have no broker. The same as `bus` where that is HTTP. */
  readonly inbound: HttpEventBus;
  /** Lets nodes and outbox hear what arrives and when sending works again. Returns the end of it. */
  join(nodes: Pick<NodeRegistry, 'takeEvent' | 'onChange'>, outbox: Pick<OutboxRelay, 'wake' | 'wakeAll'>): () => void;
  close(): Promise<void>;
}

/** Chooses the transport of events. A broker that is away is no reason not to start. [E-02 E-12] */
export function openBus({ config, log, clock, metrics, endpointOf, feed }: BusParts): ControlPlaneBus {
  const observer: BusObserver = {
    published: (type, outcome) => metrics.inc('events_published_total', { type, outcome }),
    consumed: (type, outcome) => metrics.inc('events_consumed_total', { type, outcome }),
  };
  const inbound = new HttpEventBus({ log, clock, endpointOf, observer });
  if (config.amqp_urls.length === 0) return { bus: inbound, inbound, join: joining([inbound], feed), close: () => inbound.close() };
  const parsed = parseAmqpUrls(config.amqp_urls);
  if (parsed.kind === 'malformed') throw new Error(`${parsed.message}; correct AMQP_URL`);
  log.info('events go through a broker', { brokers: parsed.hosts.map(nameOfHost) });
  const bus = new AmqpEventBus({ hosts: parsed.hosts, self: { kind: 'control_plane' }, log, clock, random: Math.random, observer });
  return { bus, inbound, join: joining([bus, inbound], feed), close: async () => void (await Promise.all([bus.close(), inbound.close()])) };
}

function joining(buses: readonly EventBus[], feed: EventFeed): ControlPlaneBus['join'] {
  return (nodes, outbox) => {
    const ends = buses.flatMap((bus) => [subscribeToNodes(bus, nodes), feedFromNodes(bus, feed), bus.onConnected(outbox.wakeAll)]);
    ends.push(nodes.onChange((change) => void (change.type === 'online' && outbox.wake([change.nodeId]))));
    return () => {
      for (const end of ends) end();
    };
  };
}
