import { setMaxListeners } from 'node:events';
import { ApiError, type EventEnvelope } from '@corral/contracts';
import { systemClock, type Clock, type HttpClient, type Log } from '@corral/service-kit';
import { deliver } from '../deliver.js';
import type { BusObserver, BusState, EventBus, EventHandlers, EventTarget, PublishOutcome } from '../event-bus.js';
import { PostQueue } from './post-queue.js';
import { publishFailure } from './publish-failure.js';

/** Where events for a target are posted. */
export interface HttpEndpoint {
  readonly client: HttpClient;
  /** `/v2/events` of a node, `/v2/nodes/<node_id>/events` of the control plane. */
  readonly path: string;
}

export interface HttpEventBusOptions {
  /** `undefined` while the target is not known: the publish is `unavailable`. */
  endpointOf(target: EventTarget): HttpEndpoint | undefined;
  readonly log: Log;
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly observer?: BusObserver;
  /** For one delivery; default 5 s. The receiver answers when it has the event durably, not when it has acted. */
  readonly publishTimeoutMs?: number;
  /** Deliveries at once; more are told to come again. Default 64. */
  readonly deliveriesMax?: number;
}

/** What became of a body that was posted to this side. */
export type Receipt =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

/**
 * The bus without a broker: events are posted to their target, those that wait together, confirmed by a 2xx. Whoever publishes keeps the
 * event until then. The HTTP route of this side hands what arrives to {@link HttpEventBus.receive}. [E-03 E-08]
 */
export class HttpEventBus implements EventBus {
  readonly #subscribers = new Set<EventHandlers>();
  readonly #closed = new AbortController();
  /** Targets to which something is under way. */
  readonly #queues = new Map<string, PostQueue>();
  #delivering = 0;
  #lastPublishMs: number | null = null;
  #lastEventMs: number | null = null;
  #lastError: string | null = null;
  readonly inFlightMax = 100;

  constructor(private readonly options: HttpEventBusOptions) {
    // One listener for each publish under way.
    setMaxListeners(0, this.#closed.signal);
  }

  state(): BusState {
    return { mode: 'http', connected: this.#lastError === null, consuming: !this.#closed.signal.aborted, lastPublishMs: this.#lastPublishMs, lastEventMs: this.#lastEventMs, lastError: this.#lastError };
  }

  /** Never called: there is nothing that could connect again but each node, which reports by itself. */
  onConnected(): () => void {
    return () => undefined;
  }

  async publish(event: EventEnvelope, target: EventTarget): Promise<PublishOutcome> {
    const outcome = await this.#enqueue(event, target);
    this.#note(outcome);
    this.options.observer?.published(event.type, outcome.kind);
    return outcome;
  }

  subscribe(handlers: EventHandlers): () => void {
    this.#subscribers.add(handlers);
    return () => void this.#subscribers.delete(handlers);
  }

  /**
   * Takes one event or a list of them, as parsed from a body. Of a list, every event is tried: one that is
   * malformed does not cost the others. [C-83]
   */
  async receive(value: unknown): Promise<Receipt> {
    if (this.#closed.signal.aborted) return { kind: 'unavailable', reason: 'the daemon is stopping' };
    const limit = this.options.deliveriesMax ?? 64;
    if (this.#delivering >= limit) return { kind: 'unavailable', reason: `${limit} deliveries are being handled already` };
    this.#delivering += 1;
    this.#lastEventMs = (this.options.clock ?? systemClock).nowMs();
    try {
      return await this.#receiveAll(Array.isArray(value) ? value : [value]);
    } finally {
      this.#delivering -= 1;
    }
  }

  close(): Promise<void> {
    this.#closed.abort(new Error('the event bus is closed'));
    this.#subscribers.clear();
    return Promise.resolve();
  }

  #note(outcome: PublishOutcome): void {
    this.#lastError = outcome.kind === 'unavailable' ? outcome.reason : null;
    if (outcome.kind === 'confirmed') this.#lastPublishMs = (this.options.clock ?? systemClock).nowMs();
  }

  async #enqueue(event: EventEnvelope, target: EventTarget): Promise<PublishOutcome> {
    const key = target.kind === 'node' ? target.nodeId : '';
    const queue = this.#queues.get(key) ?? new PostQueue((events) => this.#post(events, target));
    this.#queues.set(key, queue);
    const outcome = await queue.add(event);
    if (queue.isIdle) this.#queues.delete(key);
    return outcome;
  }

  async #post(events: readonly EventEnvelope[], target: EventTarget): Promise<PublishOutcome> {
    if (this.#closed.signal.aborted) return { kind: 'unavailable', reason: 'the event bus is closed' };
    const endpoint = this.options.endpointOf(target);
    if (endpoint === undefined) return { kind: 'unavailable', reason: `${target.kind === 'node' ? `node ${target.nodeId}` : 'the control plane'} is not known` };
    const correlationId = events.length === 1 ? events[0]?.correlationid : undefined;
    const headers: Record<string, string> = correlationId === undefined ? {} : { 'x-correlation-id': correlationId };
    const timeoutMs = this.options.publishTimeoutMs ?? 5_000;
    try {
      // One attempt: whoever publishes keeps the event and has its own plan for another.
      const options = { headers, timeoutMs, signal: this.#closed.signal, idempotent: false };
      await endpoint.client.exchange('POST', endpoint.path, target.kind === 'node' && events.length === 1 ? events[0] : events, options);
      return { kind: 'confirmed' };
    } catch (error) {
      return publishFailure(error);
    }
  }

  async #receiveAll(values: readonly unknown[]): Promise<Receipt> {
    const malformed: string[] = [];
    const failed: string[] = [];
    for (const value of values) {
      const { type, disposition } = await deliver(value, this.#subscribers);
      this.options.observer?.consumed(type, disposition.kind);
      if (disposition.kind === 'dead_letter') malformed.push(disposition.reason);
      if (disposition.kind === 'retry') failed.push(disposition.reason);
    }
    for (const reason of malformed) this.options.log.warn('malformed event dropped', { reason });
    if (failed[0] !== undefined) {
      this.options.log.warn('event not handled; it will come again', { reason: failed[0], failed: failed.length });
      return { kind: 'unavailable', reason: failed[0] };
    }
    return malformed[0] !== undefined && malformed.length === values.length ? { kind: 'malformed', reason: malformed[0] } : { kind: 'accepted' };
  }
}

/** What the route answers: returns where the events were taken, else throws the refusal that makes the sender drop or repeat them. */
export function assertReceived(receipt: Receipt): void {
  if (receipt.kind === 'malformed') throw new ApiError('INVALID_PARAMS', `not an event: ${receipt.reason}`);
  if (receipt.kind === 'unavailable') throw new ApiError('EVENT_BUS_UNAVAILABLE', `${receipt.reason}; send it again in a moment`, { retry_after_ms: 1_000 });
}
