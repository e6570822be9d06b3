export { AmqpEventBus, type AmqpEventBusOptions } from './amqp/amqp-event-bus.js';
export { nameOfHost, parseAmqpUrls, type AmqpHost, type ParsedHosts } from './amqp/amqp-hosts.js';
export { AMQP_NAMES, queueOf } from './amqp/topology.js';
export { deliver, type Delivery } from './deliver.js';
export { envelopeOf, type EnvelopeFacts } from './envelope.js';
export type { BusObserver, BusState, Disposition, EventBus, EventHandlers, EventTarget, PublishOutcome } from './event-bus.js';
export { assertReceived, HttpEventBus, type HttpEndpoint, type HttpEventBusOptions, type Receipt } from './http/http-event-bus.js';
