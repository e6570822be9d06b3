import type { OwnEvent } from '@corral/contracts';
import type { EventBus, PublishOutcome } from '@corral/event-bus';
import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import type { Kysely } from 'kysely';
import type { Store } from '../store/open-store.js';
import { addOwnEvents, dropOwnEvents, waitingOwnEvents } from '../store/own-event-rows.js';
import type { Database } from '../store/schema.js';
import type { EventFeed } from './event-feed.js';

export interface OwnEventsOptions {
  readonly store: Pick<Store, 'db'>;
  readonly feed: Pick<EventFeed, 'put'>;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether there is a broker; without one, nobody else is to be told. */
  readonly isBrokered: boolean;
  /** Events that may wait for the broker; the oldest make room. */
  readonly keptMax?: number;
}

const KEPT_MAX = 10_000;
const RETRY = { initialMs: 500, maxMs: 30_000 };
const POLL_MS = 30_000;

/**
 * What the control plane tells of itself: whoever follows the events here has it at once, and a broker, where there is
 * one, gets it from the store, in order and again until it has it, also after a restart. [E-42 E-13]
 */
export class OwnEvents {
  readonly #stopped = new AbortController();
  #wake = new AbortController();
  #running: Promise<void> | null = null;
  #unsubscribe: () => void = () => {};

  constructor(private readonly options: OwnEventsOptions) {}

  /** Keeps events for the broker. Call it in the transaction of what they tell, and {@link told} after its commit. */
  async keep(db: Kysely<Database>, events: readonly OwnEvent[]): Promise<void> {
    const { isBrokered, clock, log, keptMax = KEPT_MAX } = this.options;
    if (!isBrokered || events.length === 0) return;
    const dropped = await addOwnEvents(db, events, { nowMs: clock.nowMs(), keptMax });
    if (dropped > 0) log.warn('events dropped that waited for the broker; see that it runs', { dropped, kept: keptMax });
  }

  /** They are committed: whoever follows here sees them, and the broker gets them. */
  told(events: readonly OwnEvent[]): void {
    for (const event of events) this.options.feed.put(event);
    this.#wake.abort();
  }

  /** Tells of something that is no row of the store. Resolves when it is kept for the broker; never rejects. */
  async tell(event: OwnEvent): Promise<void> {
    const { store, log } = this.options;
    await this.keep(store.db, [event]).catch((error: unknown) => log.error('event not kept for the broker', { type: event.type, correlation_id: event.correlationid, error }));
    this.told([event]);
  }

  /** What waits goes out from now on. */
  start(bus: Pick<EventBus, 'publish' | 'onConnected' | 'inFlightMax'>): void {
    if (!this.options.isBrokered) return;
    this.#unsubscribe = bus.onConnected(() => this.#wake.abort());
    this.#running = this.#run(bus);
  }

  /** Ends after the publishes that are under way; what waits is there at the next start. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#stopped.abort(new Error('the daemon is stopping'));
    this.#wake.abort();
    await this.#running;
  }

  async #run(bus: Pick<EventBus, 'publish' | 'inFlightMax'>): Promise<void> {
    for (let failures = 0; !this.#stopped.signal.aborted; ) {
      this.#wake = new AbortController();
      const isThrough = await this.#sendAll(bus).catch((error: unknown) => {
        this.options.log.error('events that wait for the broker cannot be read', { error });
        return false;
      });
      if (this.#stopped.signal.aborted) return;
      failures = isThrough ? 0 : failures + 1;
      await this.options.clock.sleep(isThrough ? POLL_MS : backoffMs(failures, RETRY), this.#wake.signal).catch(() => undefined);
    }
  }

  /** False when some have to be published again. */
  async #sendAll(bus: Pick<EventBus, 'publish' | 'inFlightMax'>): Promise<boolean> {
    const { store, log } = this.options;
    while (!this.#stopped.signal.aborted) {
      const waiting = await waitingOwnEvents(store.db, bus.inFlightMax);
      if (waiting.length === 0) return true;
      const outcomes = await Promise.all(waiting.map(async ({ id, event }) => ({ id, event, outcome: await bus.publish(event, { kind: 'control_plane' }) })));
      for (const { event, outcome } of outcomes) if (outcome.kind === 'refused') log.warn('event not taken by the bus', { type: event.type, message_id: event.id, reason: outcome.reason });
      const settled = outcomes.filter(({ outcome }) => isSettled(outcome)).map(({ id }) => id);
      if (settled.length > 0) await dropOwnEvents(store.db, settled);
      if (settled.length < waiting.length) return false;
    }
    return true;
  }
}

function isSettled({ kind }: PublishOutcome): boolean {
  return kind !== 'unavailable';
}
