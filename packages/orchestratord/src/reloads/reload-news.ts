import type { EventEnvelope } from '@corral/contracts';
import { envelopeOf, type EventBus } from '@corral/event-bus';
import { backoffMs, type Clock, type Log } from '@corral/service-kit';
import type { EventFeed } from '../events/event-feed.js';
import type { ReloadOutcome } from '../manifest/reloads.js';
import { shownDone, shownFailed } from './shown-reload.js';

export interface ReloadNewsOptions {
  readonly bus: Pick<EventBus, 'publish' | 'state'>;
  readonly feed: Pick<EventFeed, 'put'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** News that wait for a broker; the oldest make room, and are in the log all the same. */
const WAITING_MAX = 100;
const RETRY = { initialMs: 500, maxMs: 30_000 };

/**
 * Tells every end of a reload: whoever follows events here at once, and through the broker, where there is one, everybody
 * else, in order and again until the broker has it. [E-13 F-21]
 */
export class ReloadNews {
  readonly #waiting: EventEnvelope[] = [];
  readonly #stopped = new AbortController();
  #sending: Promise<void> | null = null;

  constructor(private readonly options: ReloadNewsOptions) {}

  tell(outcome: ReloadOutcome): void {
    const { bus, feed } = this.options;
    const event = this.#eventOf(outcome);
    feed.put(event);
    if (bus.state().mode === 'http') return;
    this.#waiting.push(event);
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    this.#wake();
  }

  /** What waits longer than a last try is given up. */
  async close(): Promise<void> {
    this.#stopped.abort(new Error('the daemon is stopping'));
    await this.#sending;
  }

  #wake(): void {
    this.#sending ??= this.#send().finally(() => {
      this.#sending = null;
      // One that came after the last look.
      if (this.#waiting.length > 0 && !this.#stopped.signal.aborted) this.#wake();
    });
  }

  #eventOf(outcome: ReloadOutcome): EventEnvelope {
    const facts = { source: 'orchestratord', clock: this.options.clock, correlationId: outcome.correlationId };
    return outcome.kind === 'ok' ? envelopeOf('orchestrator.reload_succeeded', shownDone(outcome), facts) : envelopeOf('orchestrator.reload_failed', shownFailed(outcome), facts);
  }

  async #send(): Promise<void> {
    const { bus, clock, log } = this.options;
    for (let tries = 1; this.#waiting[0] !== undefined; ) {
      const event = this.#waiting[0];
      const outcome = await bus.publish(event, { kind: 'control_plane' });
      if (outcome.kind !== 'unavailable') {
        if (outcome.kind === 'refused') log.warn('event of a reload not taken by the bus', { message_id: event.id, reason: outcome.reason });
        if (this.#waiting[0] === event) this.#waiting.shift();
        tries = 1;
        continue;
      }
      if (this.#stopped.signal.aborted) return;
      await clock.sleep(backoffMs(tries, RETRY), this.#stopped.signal).catch(() => undefined);
      tries += 1;
    }
  }
}
