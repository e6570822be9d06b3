import { expect, test } from '@jest/globals';
import type { AssignmentStatus, LoadProgress } from '@corral/contracts';
import { aStatus } from '../../test/a-status.js';
import { nextSteps, stepsOf, type StepTimes } from './step-times.js';

const at = (phase: LoadProgress['phase'] | null, over: Partial<AssignmentStatus> = {}): AssignmentStatus =>
  aStatus('a', { residency: 'on_disk', progress: phase === null ? null : { phase, bytes_done: null, bytes_total: null, fraction: null }, ...over });

/** The steps after each of these looks, one second apart. */
function after(...looks: readonly AssignmentStatus[]): StepTimes {
  let seen: { readonly status: AssignmentStatus; readonly steps: StepTimes } | null = null;
  looks.forEach((status, n) => (seen = { status, steps: nextSteps(seen, status, n * 1_000) }));
  return (seen as unknown as { readonly steps: StepTimes }).steps;
}

test('B-153 each step is told with its time, over generations, and the one that goes on with what it has taken', () => {
  const steps = after(at('downloading'), at('downloading'), at('verifying'), at(null, { generation: 2 }), at('loading', { generation: 2, residency: 'loading' }));
  expect(stepsOf(steps, 4_400)).toEqual([
    { step: 'downloading', duration_ms: 2_000 },
    { step: 'verifying', duration_ms: 1_000 },
    { step: 'loading', duration_ms: 400 },
  ]);
});

test('B-153 what follows an end begins anew', () => {
  const steps = after(at('loading', { residency: 'loading' }), at(null, { residency: 'resident' }), at(null, { residency: 'draining' }), at('loading', { residency: 'loading' }));
  expect(stepsOf(steps, 3_000)).toEqual([{ step: 'loading', duration_ms: 0 }]);
});

test('B-153 a newer generation of what is there already took no steps', () => {
  const steps = after(at('loading', { residency: 'loading' }), at(null, { residency: 'resident' }), at(null, { residency: 'resident', generation: 2 }));
  expect(stepsOf(steps, 9_000)).toEqual([]);
});

test('B-153 a way without an end keeps a bounded number of steps', () => {
  const looks = Array.from({ length: 100 }, (_, n) => at(n % 2 === 0 ? 'loading' : 'restarting', { residency: 'loading' }));
  expect(stepsOf(after(...looks), 100_000)).toHaveLength(32);
});
