import type { AssignmentStatus, InstanceStep, LoadProgress } from '@corral/contracts';

/** What an instance went through since its last end, and the step that goes on. Times are monotonic milliseconds. */
export interface StepTimes {
  readonly done: readonly InstanceStep[];
  readonly current: { readonly step: LoadProgress['phase']; readonly sinceMs: number } | null;
}

/** A load has a handful; one that is tried again and again keeps the newest. */
const STEPS_MAX = 32;
const NONE: StepTimes = { done: [], current: null };

/** The steps after one more look at the status. They begin anew once the instance has left an end behind. Pure. */
export function nextSteps(before: { readonly status: AssignmentStatus; readonly steps: StepTimes } | null, now: AssignmentStatus, nowMs: number): StepTimes {
  const had = before === null || hasLeftEnd(before.status, now) ? NONE : before.steps;
  const step = now.progress?.phase ?? null;
  if (had.current?.step === step) return had;
  return { done: finished(had, nowMs), current: step === null ? null : { step, sinceMs: nowMs } };
}

/** Every step so far, the one that goes on with the time it has taken. */
export function stepsOf(times: StepTimes, nowMs: number): InstanceStep[] {
  return finished(times, nowMs);
}

function finished({ done, current }: StepTimes, nowMs: number): InstanceStep[] {
  const last = current === null ? [] : [{ step: current.step, duration_ms: Math.round(nowMs - current.sinceMs) }];
  return [...done, ...last].slice(-STEPS_MAX);
}

function hasLeftEnd(before: AssignmentStatus, now: AssignmentStatus): boolean {
  const isElse = before.residency !== now.residency || before.generation !== now.generation;
  return isElse && ['resident', 'failed', 'draining'].includes(before.residency);
}
