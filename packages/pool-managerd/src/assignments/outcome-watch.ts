import type { Assignment, AssignmentStatus, EventType, InstanceOutcome } from '@corral/contracts';
import { instanceKey } from './journal-state.js';
import { nextSteps, stepsOf, type StepTimes } from './step-times.js';

/** An assignment and where it is. */
export interface ObservedAssignment {
  readonly assignment: Assignment;
  readonly status: AssignmentStatus;
}

export interface OutcomeEvent {
  readonly type: Extract<EventType, `instance.${string}`>;
  readonly data: InstanceOutcome;
  readonly correlationId: string;
}

interface Seen {
  readonly status: AssignmentStatus;
  /** When the present way began: with a generation, or when an end was left behind. */
  readonly sinceMs: number;
  readonly steps: StepTimes;
}

/** Turns what became of the assignments since the last look into events. [C-84] */
export class OutcomeWatch {
  #seen: ReadonlyMap<string, Seen> = new Map();

  observe(observed: readonly ObservedAssignment[], nowMs: number): readonly OutcomeEvent[] {
    const before = this.#seen;
    const after = new Map<string, Seen>();
    const events: OutcomeEvent[] = [];
    for (const { assignment, status } of observed) {
      const key = instanceKey(assignment);
      const known = before.get(key);
      const seen: Seen = { status, sinceMs: known !== undefined && isSameWay(known.status, status) ? known.sinceMs : nowMs, steps: nextSteps(known ?? null, status, nowMs) };
      after.set(key, seen);
      const type = eventType(assignment, status, known?.status ?? null);
      if (type !== null) events.push({ type, correlationId: assignment.correlation_id, data: outcomeOf(assignment, seen, nowMs) });
    }
    this.#seen = after;
    // Who left is told before whoever took the place.
    return events.toSorted((a, b) => Number(isDeparture(b)) - Number(isDeparture(a)));
  }
}

function isDeparture({ type }: OutcomeEvent): boolean {
  return type === 'instance.unloaded' || type === 'instance.evicted';
}

function isSameWay(before: AssignmentStatus, now: AssignmentStatus): boolean {
  const hasEnded = before.residency === 'resident' || before.residency === 'failed';
  return before.generation === now.generation && (!hasEnded || before.residency === now.residency);
}

/** `null` when nothing happened that anybody needs to hear of. */
function eventType(assignment: Assignment, now: AssignmentStatus, before: AssignmentStatus | null): OutcomeEvent['type'] | null {
  const isNews = before === null || before.residency !== now.residency || before.generation !== now.generation;
  switch (now.residency) {
    case 'loading':
      return before?.residency === 'loading' ? null : 'instance.loading';
    case 'resident':
      return isNews ? 'instance.loaded' : null;
    case 'failed':
      return isNews || before.last_error !== now.last_error ? 'instance.load_failed' : null;
    case 'absent':
    case 'on_disk':
    case 'staged':
      if (before === null || !['loading', 'resident', 'draining'].includes(before.residency)) return null;
      return assignment.wanted === 'resident' || assignment.source === 'api_unload' ? 'instance.unloaded' : 'instance.evicted';
    case 'draining':
      return null;
  }
}

function outcomeOf(assignment: Assignment, { status, sinceMs, steps }: Seen, nowMs: number): InstanceOutcome {
  const { instance_id, org_id, generation, pool_id, residency, replica_id, last_error, progress, retry_at_ms, previous_replica_id, no_room } = status;
  const retry = { ...(retry_at_ms === undefined ? {} : { retry_at_ms }), ...(previous_replica_id === undefined ? {} : { previous_replica_id }), ...(no_room === undefined ? {} : { no_room }) };
  return { instance_id, org_id, generation, node_id: assignment.target.node_id, pool_id, replica_id, residency, last_error, duration_ms: Math.round(nowMs - sinceMs), progress, reason: assignment.reason, steps: stepsOf(steps, nowMs), ...retry };
}
