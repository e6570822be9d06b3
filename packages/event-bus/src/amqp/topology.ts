import type { EventEnvelope } from '@corral/contracts';
import type { Channel, Options } from 'amqplib';
import type { EventTarget } from '../event-bus.js';

/** Names that outsiders bind to: promises, as every argument below is to brokers that have them already. */
export const AMQP_NAMES = { commands: 'corral.commands', events: 'corral.events', dead: 'corral.dead', controlPlane: 'corral.control_plane', manifest: 'orchestrator.manifest' } as const;

/** A message that was not handled after so many repetitions is a dead letter. */
const DELIVERY_LIMIT = 5;
/** Beyond it a queue refuses more instead of growing: nobody has read it for long. */
const QUEUE_MAX = 100_000;

/** Where an event goes. */
export interface Address {
  readonly exchange: string;
  readonly routingKey: string;
}

/** The queue from which a side is served. */
export function queueOf(side: EventTarget): string {
  return side.kind === 'node' ? `corral.node.${side.nodeId}` : AMQP_NAMES.controlPlane;
}

/** Commands carry their node in the routing key, what happened is addressed by its type alone, and what became of reloads has one key. [E-13] */
export function addressOf({ type }: Pick<EventEnvelope, 'type'>, target: EventTarget): Address {
  if (target.kind === 'node') return { exchange: AMQP_NAMES.commands, routingKey: `${type}.${target.nodeId}` };
  return { exchange: AMQP_NAMES.events, routingKey: isReload(type) ? AMQP_NAMES.manifest : type };
}

/**
 * Declares exchanges, dead letters and the queue of a side with its bindings. Whoever publishes declares what it
 * publishes to, with this same function, so that nothing is lost on a side that has never run. Rejects when the
 * broker has one of them with other arguments. [E-31]
 */
export async function declareTopology(channel: Channel, side: EventTarget): Promise<void> {
  const { commands, events, dead, manifest } = AMQP_NAMES;
  for (const exchange of [commands, events, dead]) await channel.assertExchange(exchange, 'topic', { durable: true });
  await channel.assertQueue(dead, { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-max-length': QUEUE_MAX, 'x-overflow': 'drop-head' } });
  await channel.bindQueue(dead, dead, '#');
  const queue = queueOf(side);
  await channel.assertQueue(queue, queueOptions());
  if (side.kind === 'node') await channel.bindQueue(queue, commands, `orchestrator.*.${side.nodeId}`);
  else for (const key of ['instance.#', 'pool.#', 'catalog.#', manifest]) await channel.bindQueue(queue, events, key);
}

function isReload(type: EventEnvelope['type']): boolean {
  return type === 'orchestrator.reload_succeeded' || type === 'orchestrator.reload_failed';
}

function queueOptions(): Options.AssertQueue {
  return {
    durable: true,
    arguments: {
      'x-queue-type': 'quorum',
      'x-single-active-consumer': true,
      'x-delivery-limit': DELIVERY_LIMIT,
      'x-dead-letter-exchange': AMQP_NAMES.dead,
      // Only a queue that refuses more can promise that a dead letter is never dropped on its way.
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
      'x-max-length': QUEUE_MAX,
    },
  };
}
