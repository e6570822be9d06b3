import { describe, expect, test } from '@jest/globals';
import type { Assignment, AssignmentStatus, Preload } from '@corral/contracts';
import type { ObservedAssignment } from '../assignments/outcome-watch.js';
import { preloadsIn } from './preloads.js';

const told = (instance_id: string, over: Partial<Preload> = {}): Preload => ({ org_id: 'default', instance_id, pool_id: 'p1', state: 'coming', reason: null, ...over });
const observed = (instance_id: string, status: Partial<AssignmentStatus>, assignment: Partial<Assignment> = {}): ObservedAssignment => ({
  assignment: { instance_id, org_id: 'default', source: 'startup', wanted: 'resident', target: { node_id: 'n1', pool_id: 'p1' }, ...assignment } as Assignment,
  status: { instance_id, org_id: 'default', generation: 1, pool_id: 'p1', residency: 'loading', replica_id: null, last_error: null, progress: null, ...status },
});

describe('preloadsIn', () => {
  test('C-10 what the journal wants from the start counts though nobody told of it; what a task asked for does not', () => {
    expect(preloadsIn('p1', { told: [], observed: [observed('a', {}), observed('b', { residency: 'resident' }), observed('c', {}, { source: 'demand' })], isDeciding: false })).toEqual([
      { instanceId: 'a', state: 'coming', reason: null },
      { instanceId: 'b', state: 'resident', reason: null },
    ]);
  });

  test('T-62 C-268 a failure that the control plane tells of stays while it is tried again, and ends when the model is there', () => {
    const failed = told('a', { state: 'failed', reason: 'wrong digest' });
    expect(preloadsIn('p1', { told: [failed], observed: [observed('a', { residency: 'absent' }, { wanted: 'on_disk' })], isDeciding: false })).toEqual([{ instanceId: 'a', state: 'failed', reason: 'wrong digest' }]);
    expect(preloadsIn('p1', { told: [failed], observed: [observed('a', {})], isDeciding: false })).toEqual([{ instanceId: 'a', state: 'failed', reason: 'wrong digest' }]);
    expect(preloadsIn('p1', { told: [failed], observed: [observed('a', { residency: 'resident' })], isDeciding: false })).toEqual([{ instanceId: 'a', state: 'resident', reason: null }]);
  });

  test('C-268 one without a place counts while places are decided, one of another pool never', () => {
    const list = [told('a', { pool_id: null, state: 'waits', reason: 'no pool' }), told('b', { pool_id: 'p2' })];
    expect(preloadsIn('p1', { told: list, observed: [], isDeciding: true })).toEqual([{ instanceId: 'a', state: 'coming', reason: 'no pool' }]);
    expect(preloadsIn('p1', { told: list, observed: [], isDeciding: false })).toEqual([]);
  });
});
