import type { EventEnvelope } from '@corral/contracts';
import { messageOf } from '@corral/service-kit';
import type { Clock } from '@corral/service-kit';
import type { Channel, ChannelModel, ConfirmChannel, Options } from 'amqplib';
import type { EventTarget, PublishOutcome } from '../event-bus.js';
import { addressOf, declareTopology, queueOf, type Address } from './topology.js';
import { AmqpLink, type AmqpLinkOptions } from './amqp-link.js';

export interface AmqpPublisherOptions extends Omit<AmqpLinkOptions<unknown>, 'open'> {
  /** From a publish to its confirm. */
  readonly confirmMs: number;
}

interface Session {
  readonly connection: ChannelModel;
  readonly channel: ConfirmChannel;
  /** Queue → its declaration on this connection. */
  readonly declared: Map<string, Promise<void>>;
  /** Message id → how many of them came back. */
  readonly returned: Map<string, number>;
}

/** Confirms that may be missing at once; a broker that is so far behind gets no more. */
const UNCONFIRMED_MAX = 1_000;
/** A command is a few KiB; brokers refuse what is far larger by closing the channel. */
const MESSAGE_MAX_BYTES = 1_048_576;

/**
 * Publishes with confirms. What no queue takes is confirmed by a broker all the same, and only its return says so:
 * it counts as not published. No confirm in time counts as not published either, though it may have been. [E-08 E-35]
 */
export class AmqpPublisher {
  readonly #link: AmqpLink<Session>;
  readonly #clock: Clock;
  readonly #confirmMs: number;
  #unconfirmed = 0;

  constructor({ confirmMs, ...link }: AmqpPublisherOptions) {
    this.#confirmMs = confirmMs;
    this.#clock = link.clock;
    this.#link = new AmqpLink({ ...link, open: openSession });
    this.#link.start();
  }

  /** Why nothing can be published; `null` when it can. */
  get problem(): string | null {
    return this.#link.problem;
  }

  async publish(event: EventEnvelope, target: EventTarget): Promise<PublishOutcome> {
    const { session, problem } = this.#link;
    if (session === null || problem !== null) return unavailable(problem ?? 'not connected');
    const content = Buffer.from(JSON.stringify(event));
    if (content.length > MESSAGE_MAX_BYTES) return { kind: 'refused', reason: `${content.length} bytes are more than a message may have (${MESSAGE_MAX_BYTES})` };
    if (this.#unconfirmed >= UNCONFIRMED_MAX) return unavailable(`${UNCONFIRMED_MAX} messages wait for their confirm`);
    this.#unconfirmed += 1;
    try {
      await declared(session, target);
      const isRouted = await this.#send(session, addressOf(event, target), { content, properties: propertiesOf(event) });
      if (isRouted) return { kind: 'confirmed' };
      // Somebody took the queue away: it is declared again before the next one.
      session.declared.delete(queueOf(target));
      return unavailable(`the broker has no queue for ${addressOf(event, target).routingKey}`);
    } catch (error) {
      return unavailable(messageOf(error));
    } finally {
      this.#unconfirmed -= 1;
    }
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** False when the message came back. Rejects when it was not confirmed. */
  #send({ channel, returned }: Session, { exchange, routingKey }: Address, { content, properties }: { readonly content: Buffer; readonly properties: Options.Publish }): Promise<boolean> {
    const settled = new AbortController();
    const sent = new Promise<boolean>((resolve, reject) => {
      // On a closed channel this throws at once, which rejects.
      channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
        if (error !== null && error !== undefined) return reject(error instanceof Error && error.message !== 'message nacked' ? error : new Error('the broker refused the message: its queue is full, or has no leader'));
        resolve(!takeReturn(returned, properties.messageId ?? ''));
      });
    });
    const late = this.#clock.sleep(this.#confirmMs, settled.signal).then(
      () => Promise.reject(new Error(`the broker did not confirm within ${this.#confirmMs} ms`)),
      () => new Promise<never>(() => undefined),
    );
    for (const one of [sent, late]) one.catch(() => undefined);
    return Promise.race([sent, late]).finally(() => settled.abort());
  }
}

async function openSession(connection: ChannelModel, end: (reason: string) => void): Promise<Session> {
  const channel = await connection.createConfirmChannel();
  const returned = new Map<string, number>();
  channel.on('error', (error) => end(error.message));
  channel.on('close', () => end('the channel was closed'));
  // A return comes before the confirm of the same message.
  channel.on('return', ({ properties }) => {
    const id = String(properties.messageId);
    returned.set(id, (returned.get(id) ?? 0) + 1);
  });
  return { connection, channel, returned, declared: new Map() };
}

/** Declares what the target is served from, once per connection. */
function declared(session: Session, target: EventTarget): Promise<void> {
  const queue = queueOf(target);
  const known = session.declared.get(queue);
  if (known !== undefined) return known;
  const declaration = onOwnChannel(session.connection, (channel) => declareTopology(channel, target));
  session.declared.set(queue, declaration);
  declaration.catch(() => session.declared.delete(queue));
  return declaration;
}

/** A refused declaration closes its channel: that must not be the one that others publish on. */
async function onOwnChannel(connection: ChannelModel, work: (channel: Channel) => Promise<void>): Promise<void> {
  const channel = await connection.createChannel();
  channel.on('error', () => undefined);
  await work(channel);
  await channel.close();
}

function takeReturn(returned: Map<string, number>, id: string): boolean {
  const count = returned.get(id) ?? 0;
  if (count > 1) returned.set(id, count - 1);
  else returned.delete(id);
  return count > 0;
}

function propertiesOf(event: EventEnvelope): Options.Publish {
  return {
    persistent: true,
    mandatory: true,
    contentType: 'application/cloudevents+json',
    contentEncoding: 'utf-8',
    messageId: event.id,
    type: event.type,
    appId: event.source,
    timestamp: Math.floor(Date.parse(event.time) / 1_000),
    ...(event.correlationid === undefined ? {} : { correlationId: event.correlationid }),
  };
}

function unavailable(reason: string): PublishOutcome {
  return { kind: 'unavailable', reason };
}
