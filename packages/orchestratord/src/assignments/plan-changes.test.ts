import { expect, test } from '@jest/globals';
import type { Assignment, AssignmentStatus, ModelSpec, WantedResidency } from '@corral/contracts';
import { modelKeyOf } from '../manifest/model-key.js';
import { assignmentViews } from './assignment-view.js';
import { changesOf, type PlannedWish } from './plan-changes.js';
import type { ResidencyWorld } from './residency-input.js';

const MODEL: ModelSpec = { model_id: 'new', sources: ['file:/new.gguf'], digest: null, context: 512, slots: 1, pinned: false };
const PLANNED = {
  wish: { source: 'startup', demand: { modelKey: modelKeyOf(MODEL), model: MODEL, instance: { orgId: 'acme', instanceId: 'bot', tier: 'cold' }, priority: 'batch', oldestArrivalSeq: 0, waitingMs: 0, waitingTasks: 0, placement: null } },
  plan: { kind: 'fetch', nodeId: 'n1', poolId: 'p1' },
} as unknown as PlannedWish;

function fetchesOf(wanted: WantedResidency, status: Partial<AssignmentStatus>, online = true): readonly string[] {
  const assignment = { org_id: 'acme', instance_id: 'bot', generation: 2, wanted, model: MODEL, target: { node_id: 'n1', pool_id: 'p1' } } as unknown as Assignment;
  const told: AssignmentStatus = { org_id: 'acme', instance_id: 'bot', generation: 2, pool_id: 'p1', residency: 'absent', replica_id: null, last_error: null, progress: null, ...status };
  const views = assignmentViews([assignment], [{ nodeId: 'n1', online, models: [], assignments: [told], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null }]);
  return changesOf(PLANNED, { world: { views } as unknown as ResidencyWorld, quantumMs: 0, heldTierOf: () => null }).map(({ wanted: now }) => now);
}

test('C-269 what its node fetches to take the place of another one is not fetched first, also before that node has heard of it', () => {
  expect(fetchesOf('resident', { previous_replica_id: 'r-old' })).toEqual([]);
  expect(fetchesOf('resident', { generation: 1, residency: 'resident', replica_id: 'r-old' })).toEqual([]);
  expect(fetchesOf('on_disk', { progress: { phase: 'downloading', bytes_done: 1, bytes_total: null, fraction: null } })).toEqual([]);
});

test('C-201 what nothing serves in the place of, or a node that is away should bring, is fetched', () => {
  expect(fetchesOf('resident', {})).toEqual(['on_disk']);
  expect(fetchesOf('resident', { previous_replica_id: 'r-old' }, false)).toEqual(['on_disk']);
});
