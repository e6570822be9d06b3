import type { EventEnvelope, EventType } from '@corral/contracts';
import type { EventBus, PublishOutcome } from '@corral/event-bus';
import { backoffMs } from '@corral/service-kit';
import type { BackoffPolicy, Clock, Log } from '@corral/service-kit';
import { Bell } from './bell.js';

export type SentOutcome = PublishOutcome['kind'] | 'dropped';

export interface EventOutboxOptions {
  readonly bus: Pick<EventBus, 'publish'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly retry: BackoffPolicy;
  /** Events that wait at most; the oldest make room, since full states tell the rest. */
  readonly capacity: number;
  /** For the metrics. */
  readonly onSent: (type: EventType, outcome: SentOutcome) => void;
}

/** The bell ends this wait when there is something to send. */
const IDLE_MS = 3_600_000;

/** Tells the control plane what happened, in order, one at a time, as long as it takes. [C-84] */
export class EventOutbox {
  readonly #waiting: EventEnvelope[] = [];
  /** Something is there to be sent. A wait after a failure does not end for it. */
  readonly #arrived: Bell;
  readonly #heard: Bell;

  constructor(private readonly options: EventOutboxOptions) {
    this.#arrived = new Bell(options.clock);
    this.#heard = new Bell(options.clock);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  put(event: EventEnvelope): void {
    const { capacity, onSent, log } = this.options;
    while (this.#waiting.length >= capacity) {
      const dropped = this.#waiting.shift();
      if (dropped === undefined) return;
      onSent(dropped.type, 'dropped');
      log.warn('event dropped: too many wait', { type: dropped.type, capacity });
    }
    this.#waiting.push(event);
    this.#arrived.ring();
  }

  /** Tries at once instead of after its wait: the control plane was just heard. */
  hasten(): void {
    if (this.#waiting.length > 0) this.#heard.ring();
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { retry, random } = this.options;
    let failures = 0;
    while (!signal.aborted) {
      const isDone = await this.#sendFirst();
      failures = isDone ? 0 : failures + 1;
      if (isDone && this.#waiting.length > 0) continue;
      const wait = isDone ? this.#arrived.wait(IDLE_MS, signal) : this.#heard.wait(Math.round(backoffMs(failures, retry) * (0.5 + random() * 0.5)), signal);
      await wait.catch(() => undefined);
    }
  }

  /** False when the first event has to be sent again. */
  async #sendFirst(): Promise<boolean> {
    const [event] = this.#waiting;
    if (event === undefined) return true;
    const outcome = await this.options.bus.publish(event, { kind: 'control_plane' });
    if (outcome.kind === 'unavailable') return false;
    if (outcome.kind === 'refused') this.options.log.warn('event refused by the control plane', { type: event.type, reason: outcome.reason });
    this.options.onSent(event.type, outcome.kind);
    if (this.#waiting[0] === event) this.#waiting.shift();
    return true;
  }
}
