import { ApiError, decodeEvent } from '@corral/contracts';
import type { Assignment, EventType } from '@corral/contracts';
import type { Clock, Log } from '@corral/service-kit';
import type { Journal } from './journal.js';

export type EventOutcome = 'accepted' | 'stale' | 'ignored' | 'malformed';

/** What became of one event. */
export interface TakenEvent {
  readonly id: string | null;
  readonly outcome: EventOutcome;
  readonly reason?: string;
}

export interface EventIntakeOptions {
  readonly journal: Pick<Journal, 'take'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
  /** For the metrics. */
  readonly onTaken: (type: EventType | 'unknown', outcome: EventOutcome) => void;
}

interface Waiting {
  readonly value: unknown;
  resolve(taken: TakenEvent): void;
  reject(error: unknown): void;
}

interface Read {
  readonly id: string | null;
  readonly type: EventType | 'unknown';
  readonly assignment: Assignment | null;
  readonly taken: Omit<TakenEvent, 'id'>;
}

/**
 * Takes events that were delivered to this node. What it says `accepted` of is in the journal; the work on it
 * comes after the answer. Malformed and foreign events are dropped with a line and harm nobody. [C-83 E-10 G-20]
 */
export class EventIntake {
  #waiting: Waiting[] = [];
  #isTaking = false;
  #lastEventMs: number | null = null;

  constructor(private readonly options: EventIntakeOptions) {}

  /** When an event came last, in Unix milliseconds; `null` before the first. */
  get lastEventMs(): number | null {
    return this.#lastEventMs;
  }

  /** Takes one event. Those that come while the journal is written are kept together by its next write. Rejects as {@link EventIntake.take} throws. */
  takeOne(value: unknown): Promise<TakenEvent> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ value, resolve, reject });
      if (!this.#isTaking) void this.#takeWaiting();
    });
  }

  /** Outcomes in the order of the events. Throws EVENT_BUS_UNAVAILABLE when they could not be kept: then none was taken. */
  async take(values: readonly unknown[]): Promise<readonly TakenEvent[]> {
    this.#lastEventMs = this.options.clock.nowMs();
    const read = values.map(readEvent);
    const assignments = read.flatMap(({ assignment }) => (assignment === null ? [] : [assignment]));
    const outcomes = (await this.#keep(assignments)).values();
    return read.map(({ id, type, assignment, taken }) => {
      const outcome = assignment === null ? taken : outcomeFrom(outcomes.next().value);
      this.#tell(type, assignment, outcome);
      return { id, ...outcome };
    });
  }

  async #takeWaiting(): Promise<void> {
    this.#isTaking = true;
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const taken = await this.take(group.map(({ value }) => value));
        for (const [n, one] of taken.entries()) group[n]?.resolve(one);
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isTaking = false;
  }

  async #keep(assignments: readonly Assignment[]) {
    if (assignments.length === 0) return [];
    try {
      return await this.options.journal.take(assignments);
    } catch (cause) {
      this.options.log.error('events not kept', { error: cause, events: assignments.length });
      throw new ApiError('EVENT_BUS_UNAVAILABLE', 'the events could not be written to the journal of this node; free space or mend its permissions, then send them again', { retry_after_ms: 1_000 }, { cause });
    }
  }

  #tell(type: EventType | 'unknown', assignment: Assignment | null, { outcome, reason }: Omit<TakenEvent, 'id'>): void {
    this.options.onTaken(type, outcome);
    const fields = { type, outcome, ...(reason === undefined ? {} : { reason }), ...(assignment === null ? {} : assignmentFields(assignment)) };
    if (outcome === 'malformed') this.options.log.warn('event dropped', fields);
    else if (outcome === 'stale') this.options.log.debug('event taken', fields);
    else this.options.log.info('event taken', fields);
  }
}

function readEvent(value: unknown): Read {
  const id = typeof value === 'object' && value !== null && 'id' in value && typeof value.id === 'string' ? value.id : null;
  const decoded = decodeEvent(value);
  if (decoded.kind === 'malformed') return { id, type: 'unknown', assignment: null, taken: { outcome: 'malformed', reason: decoded.reason } };
  if (decoded.kind === 'unknown_type') return { id, type: 'unknown', assignment: null, taken: { outcome: 'ignored', reason: `events of type ${decoded.type} mean nothing to a node` } };
  const { event } = decoded;
  if (event.type === 'orchestrator.load' || event.type === 'orchestrator.unload') return { id, type: event.type, assignment: event.data, taken: { outcome: 'accepted' } };
  return { id, type: event.type, assignment: null, taken: { outcome: 'ignored', reason: `events of type ${event.type} mean nothing to a node` } };
}

function outcomeFrom(taken: { readonly kind: 'accepted' | 'stale' } | { readonly kind: 'ignored'; readonly reason: string } | undefined): Omit<TakenEvent, 'id'> {
  if (taken === undefined) throw new Error('the journal answered fewer events than it was given');
  return taken.kind === 'ignored' ? { outcome: 'ignored', reason: taken.reason } : { outcome: taken.kind };
}

function assignmentFields({ org_id, instance_id, model, generation, wanted, source, target, correlation_id }: Assignment): object {
  return { org_id, instance_id, model_id: model.model_id, generation, wanted, source, pool_id: target.pool_id, correlation_id };
}
