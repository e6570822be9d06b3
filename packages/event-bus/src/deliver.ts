import { decodeEvent, type EventEnvelope, type EventType } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Disposition, EventHandlers } from './event-bus.js';

/** A disposition, and the type of the event that it is about. */
export interface Delivery {
  readonly type: EventType | 'unknown';
  readonly disposition: Disposition;
}

/**
 * Hands one parsed event to every subscriber, one after the other. Never rejects.
 *
 * Malformed events are dead letters, unknown types are taken and forgotten: a sender may be newer. [C-83]
 */
export async function deliver(value: unknown, subscribers: Iterable<EventHandlers>): Promise<Delivery> {
  const decoded = decodeEvent(value);
  if (decoded.kind === 'unknown_type') return { type: 'unknown', disposition: { kind: 'ack' } };
  if (decoded.kind === 'malformed') return { type: 'unknown', disposition: { kind: 'dead_letter', reason: decoded.reason } };
  const { event } = decoded;
  try {
    for (const handlers of subscribers) await handlerOf(handlers, event.type)?.(event);
    return { type: event.type, disposition: { kind: 'ack' } };
  } catch (error) {
    const reason = messageOf(error);
    return { type: event.type, disposition: { kind: 'retry', reason } };
  }
}

function handlerOf(handlers: EventHandlers, type: EventType) {
  return handlers[type] as ((event: EventEnvelope) => Promise<void> | void) | undefined;
}
