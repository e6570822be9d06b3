import { EVENT_TYPES, OWN_EVENT_TYPES, type EventEnvelope, type EventType } from '@corral/contracts';
import type { EventBus, EventHandlers, EventTarget, HttpEndpoint } from '@corral/event-bus';
import type { EventFeed } from '../events/event-feed.js';
import type { NodeRegistry } from './node-registry.js';

/** Hands everything that happens on nodes to the registry. Returns the end of the subscription. [C-84] */
export function subscribeToNodes(bus: Pick<EventBus, 'subscribe'>, nodes: Pick<NodeRegistry, 'takeEvent'>): () => void {
  const take = (event: EventEnvelope): void => void nodes.takeEvent(event);
  const handlers: EventHandlers = {
    'instance.loading': take,
    'instance.loaded': take,
    'instance.load_failed': take,
    'instance.unloaded': take,
    'instance.evicted': take,
    'pool.ready': take,
    'pool.unready': take,
    'catalog.model_registered': take,
    'catalog.state_changed': take,
    'catalog.model_deleted': take,
  };
  return bus.subscribe(handlers);
}

/** Shows everything that happens on nodes to whoever follows the events; what came from here was shown when it was sent. Returns the end of the subscription. [E-40] */
export function feedFromNodes(bus: Pick<EventBus, 'subscribe'>, feed: Pick<EventFeed, 'put'>): () => void {
  const own: readonly EventType[] = [...OWN_EVENT_TYPES, 'orchestrator.load', 'orchestrator.unload'];
  const types = EVENT_TYPES.filter((type) => !own.includes(type));
  return bus.subscribe(Object.fromEntries(types.map((type) => [type, feed.put])) as EventHandlers);
}

/** Where the HTTP transport posts events for a target; `undefined` for nodes that are not known. */
export function nodeEndpoint(nodes: Pick<NodeRegistry, 'clientFor'>, target: EventTarget): HttpEndpoint | undefined {
  const client = target.kind === 'node' ? nodes.clientFor(target.nodeId) : undefined;
  return client === undefined ? undefined : { client, path: '/v2/events' };
}
