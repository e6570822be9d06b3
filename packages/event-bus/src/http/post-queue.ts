import type { EventEnvelope } from '@corral/contracts';
import type { PublishOutcome } from '../event-bus.js';

interface Waiting {
  readonly event: EventEnvelope;
  readonly settle: (outcome: PublishOutcome) => void;
}

/** What one delivery holds at most; nodes take no more. */
const GROUP_MAX = 100;
const WAITING_MAX = 1_000;

/**
 * Posts the events for one target in order, one delivery at a time: those that come while one is under way go
 * together with the next, so that many publishers cost the target few writes.
 */
export class PostQueue {
  #waiting: Waiting[] = [];
  #isPosting = false;

  /** @param post one delivery; never rejects. */
  constructor(private readonly post: (events: readonly EventEnvelope[]) => Promise<PublishOutcome>) {}

  get isIdle(): boolean {
    return !this.#isPosting;
  }

  add(event: EventEnvelope): Promise<PublishOutcome> {
    if (this.#waiting.length >= WAITING_MAX) return Promise.resolve({ kind: 'unavailable', reason: `${WAITING_MAX} events wait for this target` });
    return new Promise((settle) => {
      this.#waiting.push({ event, settle });
      if (!this.#isPosting) void this.#postAll();
    });
  }

  async #postAll(): Promise<void> {
    this.#isPosting = true;
    while (this.#waiting.length > 0) await this.#postGroup(this.#waiting.splice(0, GROUP_MAX));
    this.#isPosting = false;
  }

  /** A refusal says nothing about each of several: then they go one by one. */
  async #postGroup(group: readonly Waiting[]): Promise<void> {
    const outcome = await this.post(group.map(({ event }) => event));
    if (outcome.kind !== 'refused' || group.length === 1) {
      for (const { settle } of group) settle(outcome);
      return;
    }
    for (const { event, settle } of group) settle(await this.post([event]));
  }
}
