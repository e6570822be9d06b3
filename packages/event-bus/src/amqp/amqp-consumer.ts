import { setMaxListeners } from 'node:events';
import type { EventType } from '@corral/contracts';
import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { deliver } from '../deliver.js';
import type { Disposition, EventHandlers, EventTarget } from '../event-bus.js';
import { AmqpLink, type AmqpLinkOptions } from './amqp-link.js';
import { declareTopology, queueOf } from './topology.js';

export interface AmqpConsumerOptions extends Omit<AmqpLinkOptions<unknown>, 'open' | 'onUp'> {
  /** Whose queue is read. */
  readonly self: EventTarget;
  readonly subscribers: ReadonlySet<EventHandlers>;
  /** Deliveries that are handled at once. */
  readonly prefetch: number;
  onConsumed(type: EventType | 'unknown', disposition: Disposition['kind']): void;
}

/** How often it is looked whether events wait that are not given out. */
const WATCH_MS = 5_000;
/** An event whose handler failed comes again after so long, longer each time. */
const RETRY = { initialMs: 200, maxMs: 5_000 };

/**
 * Reads the queue of this side. A delivery is acknowledged when its handlers are done, which is when the event is
 * kept, never when it has been acted on. One that can never be handled goes to the dead letters, one that fails comes
 * again until the broker's limit of deliveries. [C-83 E-10 E-36]
 */
export class AmqpConsumer {
  readonly #link: AmqpLink<Channel>;
  readonly #stopped = new AbortController();
  readonly #clock: Clock;
  readonly #log: Log;
  /** Deliveries so far, and those among them that are not answered yet. */
  #delivered = 0;
  #underWay = 0;

  constructor(private readonly options: AmqpConsumerOptions) {
    const { self: _self, subscribers: _subscribers, prefetch: _prefetch, onConsumed: _onConsumed, ...link } = options;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#link = new AmqpLink({ ...link, open: (connection, end) => this.#open(connection, end) });
    // One listener for each delivery that waits.
    setMaxListeners(0, this.#stopped.signal);
    this.#link.start();
  }

  get isConsuming(): boolean {
    return this.#link.session !== null;
  }

  /** What is under way and not acknowledged yet comes again, here or elsewhere. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the event bus is closed'));
    await this.#link.close();
  }

  async #open(connection: ChannelModel, end: (reason: string) => void): Promise<Channel> {
    const { self, prefetch } = this.options;
    const channel = await connection.createChannel();
    channel.on('error', (error) => end(error.message));
    // A channel that ends alone would leave a connection without a consumer.
    channel.on('close', () => end('the channel was closed'));
    await declareTopology(channel, self);
    await channel.prefetch(prefetch);
    await channel.consume(queueOf(self), (message) => {
      if (message === null) end('the broker canceled the consumer: its queue is gone, or has another leader');
      else void this.#take(channel, message);
    });
    void this.#watch(channel, end);
    return channel;
  }

  /** A queue that was deleted and declared again in one moment tells its consumer nothing: then events wait, and none comes. */
  async #watch(channel: Channel, end: (reason: string) => void): Promise<void> {
    const closed = new AbortController();
    channel.once('close', () => closed.abort());
    try {
      for (let stalledSince = -1; ; ) {
        await this.#clock.sleep(WATCH_MS, closed.signal);
        const { messageCount } = await channel.checkQueue(queueOf(this.options.self));
        const isStalled = messageCount > 0 && this.#underWay === 0;
        if (isStalled && stalledSince === this.#delivered) return end('events wait in the queue and none is given out');
        stalledSince = isStalled ? this.#delivered : -1;
      }
    } catch {
      // The channel is closed, which is told elsewhere.
    }
  }

  async #take(channel: Channel, message: ConsumeMessage): Promise<void> {
    if (this.#stopped.signal.aborted) return;
    this.#delivered += 1;
    this.#underWay += 1;
    const { type, disposition } = await deliver(parsed(message.content), this.options.subscribers);
    this.options.onConsumed(type, disposition.kind);
    try {
      await this.#answer(channel, message, disposition);
    } catch (error) {
      // The channel is closed: the broker gives the message out again.
      this.#log.debug('event not acknowledged', { error, message_id: message.properties.messageId as unknown });
    } finally {
      this.#underWay -= 1;
    }
  }

  async #answer(channel: Channel, message: ConsumeMessage, disposition: Disposition): Promise<void> {
    const facts = { message_id: message.properties.messageId as unknown, routing_key: message.fields.routingKey };
    switch (disposition.kind) {
      case 'ack':
        return channel.ack(message);
      case 'dead_letter':
        this.#log.warn('malformed event is a dead letter', { ...facts, reason: disposition.reason });
        return channel.nack(message, false, false);
      case 'retry': {
        const deliveries = Number(message.properties.headers?.['x-delivery-count'] ?? 0) + 1;
        this.#log.warn('event not handled; it will come again', { ...facts, reason: disposition.reason, deliveries });
        await this.#clock.sleep(backoffMs(deliveries, RETRY), this.#stopped.signal);
        return channel.nack(message, false, true);
      }
    }
  }
}

/** Garbage is no event either way. */
function parsed(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
