import type { EventEnvelope } from '@corral/contracts';
import { systemClock, type Clock, type Log } from '@corral/service-kit';
import type { BusObserver, BusState, EventBus, EventHandlers, EventTarget, PublishOutcome } from '../event-bus.js';
import { AmqpConsumer } from './amqp-consumer.js';
import type { AmqpHost } from './amqp-hosts.js';
import { AmqpPublisher } from './amqp-publisher.js';

export interface AmqpEventBusOptions {
  /** At least one; see `parseAmqpUrls`. */
  readonly hosts: readonly AmqpHost[];
  /** Who this side is: it reads its own queue. */
  readonly self: EventTarget;
  readonly log: Log;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly random: () => number;
  readonly observer?: BusObserver;
  /** From a publish to its confirm; default 5 s. */
  readonly publishTimeoutMs?: number;
  /** Deliveries that are handled at once; default 64. */
  readonly deliveriesMax?: number;
}

const IN_FLIGHT_MAX = 100;

/**
 * The bus through RabbitMQ: topic exchanges, one quorum queue for each side, confirms. It connects by itself and
 * again, over all hosts; a broker that is away makes publishes `unavailable` and nothing else. Reading begins with
 * the first subscription, so that no event is taken before anybody is there for it. [E-01 E-12 E-31]
 */
export class AmqpEventBus implements EventBus {
  readonly inFlightMax = IN_FLIGHT_MAX;
  readonly #subscribers = new Set<EventHandlers>();
  readonly #onConnected = new Set<() => void>();
  readonly #publisher: AmqpPublisher;
  readonly #clock: Clock;
  #consumer: AmqpConsumer | null = null;
  #isClosed = false;
  #lastPublishMs: number | null = null;
  #lastEventMs: number | null = null;
  #lastError: string | null = null;

  constructor(private readonly options: AmqpEventBusOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#publisher = new AmqpPublisher({
      ...this.#linkOptions('publish'),
      confirmMs: options.publishTimeoutMs ?? 5_000,
      onUp: () => {
        for (const listener of [...this.#onConnected]) listener();
      },
    });
  }

  state(): BusState {
    const { problem } = this.#publisher;
    const isOpen = !this.#isClosed;
    return {
      mode: 'rabbitmq',
      connected: isOpen && problem === null,
      consuming: isOpen && this.#consumer?.isConsuming === true,
      lastPublishMs: this.#lastPublishMs,
      lastEventMs: this.#lastEventMs,
      lastError: problem ?? this.#lastError,
    };
  }

  onConnected(listener: () => void): () => void {
    this.#onConnected.add(listener);
    return () => void this.#onConnected.delete(listener);
  }

  async publish(event: EventEnvelope, target: EventTarget): Promise<PublishOutcome> {
    const outcome: PublishOutcome = this.#isClosed ? { kind: 'unavailable', reason: 'the event bus is closed' } : await this.#publisher.publish(event, target);
    this.#lastError = outcome.kind === 'confirmed' ? null : outcome.reason;
    if (outcome.kind === 'confirmed') this.#lastPublishMs = this.#clock.nowMs();
    this.options.observer?.published(event.type, outcome.kind);
    return outcome;
  }

  subscribe(handlers: EventHandlers): () => void {
    this.#subscribers.add(handlers);
    if (!this.#isClosed) this.#consumer ??= this.#consume();
    return () => void this.#subscribers.delete(handlers);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#onConnected.clear();
    await Promise.all([this.#consumer?.close(), this.#publisher.close()]);
    this.#subscribers.clear();
  }

  #consume(): AmqpConsumer {
    return new AmqpConsumer({
      ...this.#linkOptions('consume'),
      self: this.options.self,
      subscribers: this.#subscribers,
      prefetch: this.options.deliveriesMax ?? 64,
      onConsumed: (type, disposition) => {
        this.#lastEventMs = this.#clock.nowMs();
        this.options.observer?.consumed(type, disposition);
      },
    });
  }

  /** A flood of deliveries must not hold up confirms: each direction has a connection of its own. */
  #linkOptions(direction: 'publish' | 'consume') {
    const { hosts, self, log, random } = this.options;
    const name = self.kind === 'node' ? `pool-managerd/${self.nodeId}` : 'orchestratord';
    return { hosts, name: `${name} ${direction}`, clock: this.#clock, log, random };
  }
}
