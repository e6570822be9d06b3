import { describe, expect, test } from '@jest/globals';
import type { Assignment, Residency } from '@corral/contracts';
import { anAssignment } from '../../test/an-assignment.js';
import { aStatus } from '../../test/a-status.js';
import { OutcomeWatch } from './outcome-watch.js';

/** Event types while instance `a` goes through these residencies. */
function typesOf(steps: readonly (Residency | { residency: Residency; assignment?: Partial<Assignment>; last_error?: string })[]): (string | null)[] {
  const watch = new OutcomeWatch();
  return steps.map((step, n) => {
    const { residency, assignment = {}, last_error = null } = typeof step === 'string' ? { residency: step } : step;
    const generation = assignment.generation ?? 1;
    const events = watch.observe([{ assignment: anAssignment('a', assignment), status: aStatus('a', { residency, generation, last_error }) }], n);
    return events[0]?.type ?? null;
  });
}

describe('OutcomeWatch', () => {
  test('C-84 a load is told when it begins and when it ends', () => {
    expect(typesOf(['absent', 'on_disk', 'loading', 'loading', 'resident', 'resident'])).toEqual([null, null, 'instance.loading', null, 'instance.loaded', null]);
  });

  test('C-84 a failure is told once for each different error', () => {
    const failed = (last_error: string) => ({ residency: 'failed' as const, last_error });
    expect(typesOf(['loading', failed('x'), failed('x'), failed('y'), 'loading', 'resident'])).toEqual([
      'instance.loading',
      'instance.load_failed',
      null,
      'instance.load_failed',
      'instance.loading',
      'instance.loaded',
    ]);
  });

  test('C-84 an unload that somebody asked for is unloaded, one that made room is evicted, and neither before it is gone', () => {
    const wanted = (source: 'api_unload' | 'demand') => ({ wanted: 'absent' as const, source, generation: 2 });
    expect(typesOf(['resident', { residency: 'draining', assignment: wanted('api_unload') }, { residency: 'on_disk', assignment: wanted('api_unload') }])).toEqual(['instance.loaded', null, 'instance.unloaded']);
    expect(typesOf(['resident', { residency: 'draining', assignment: wanted('demand') }, { residency: 'on_disk', assignment: wanted('demand') }])).toEqual(['instance.loaded', null, 'instance.evicted']);
  });

  test('C-84 who left is told before whoever took the place', () => {
    const watch = new OutcomeWatch();
    const [b, a] = [anAssignment('b'), anAssignment('a', { wanted: 'on_disk' })];
    watch.observe([{ assignment: b, status: aStatus('b', { residency: 'on_disk' }) }, { assignment: a, status: aStatus('a', { residency: 'draining' }) }], 0);
    const events = watch.observe([{ assignment: b, status: aStatus('b', { residency: 'loading' }) }, { assignment: a, status: aStatus('a', { residency: 'on_disk' }) }], 1);
    expect(events.map(({ type, data }) => [type, data.instance_id])).toEqual([['instance.evicted', 'a'], ['instance.loading', 'b']]);
  });

  test('C-82 a newer generation of what is resident already is answered at once', () => {
    expect(typesOf(['resident', { residency: 'resident', assignment: { generation: 2 } }])).toEqual(['instance.loaded', 'instance.loaded']);
  });

  test('C-84 the event carries the whole outcome, the reason and how long it took', () => {
    const watch = new OutcomeWatch();
    const assignment = anAssignment('a');
    watch.observe([{ assignment, status: aStatus('a') }], 1_000);
    expect(watch.observe([{ assignment, status: aStatus('a', { residency: 'resident', replica_id: 'r' }) }], 3_500)).toEqual([
      {
        type: 'instance.loaded',
        correlationId: 'corr-a',
        data: {
          instance_id: 'a',
          org_id: 'default',
          generation: 1,
          node_id: 'n1',
          pool_id: 'p1',
          replica_id: 'r',
          residency: 'resident',
          last_error: null,
          duration_ms: 2_500,
          progress: null,
          reason: 'somebody asked for a',
          steps: [],
        },
      },
    ]);
  });
});
