import { expect, test } from '@jest/globals';
import type { Assignment, AssignmentStatus, ModelSpec, ReplicaStatus } from '@corral/contracts';
import { aPoolStatus } from '../../test/node-fixtures.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { assignmentViews } from './assignment-view.js';
import { keptFor } from './residency-input.js';

const spec = (model_id: string): ModelSpec => ({ model_id, sources: [], digest: null, context: 512, slots: 1, pinned: false });
const replica = (model_id: string): ReplicaStatus => ({ replica_id: `r-${model_id}`, model_id, state: 'resident', memory_bytes: 5 }) as ReplicaStatus;

/** Names of the instances that the old replica serves, where one of them wants the new model from generation 2 on. */
function kept(status: Partial<AssignmentStatus>, replicas: readonly ReplicaStatus[] = [replica('old')]): readonly string[] {
  const assignment = { org_id: 'acme', instance_id: 'bot', generation: 2, wanted: 'resident', model: spec('new'), target: { node_id: 'n1', pool_id: 'p1' } } as unknown as Assignment;
  const said = { org_id: 'acme', instance_id: 'bot', generation: 2, pool_id: 'p1', residency: 'absent', replica_id: null, last_error: null, progress: null, ...status } as AssignmentStatus;
  const place = { nodeId: 'n1', online: true, models: [], assignments: [said], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null };
  const pools = [{ poolId: 'p1', nodeId: 'n1', address: '', online: true, snapshotAgeMs: 0, status: aPoolStatus({ pool_id: 'p1', replicas: [...replicas] }) }];
  return keptFor({ views: assignmentViews([assignment], [place]), pools, keyOf: ({ model_id }) => modelKeyOf(spec(model_id)) }, 'p1', 'r-old').map((view) => view.assignment.instance_id);
}

test('C-266 a replica stands in for one that is fetched or has failed, and for nobody whose new one is ready or waits for the device', () => {
  const previous_replica_id = 'r-old';
  const waits = { phase: 'waiting_for_memory', bytes_done: null, bytes_total: null, fraction: null } as const;
  expect([kept({ previous_replica_id }), kept({ previous_replica_id, residency: 'failed' })]).toEqual([['bot'], ['bot']]);
  expect([kept({ previous_replica_id, residency: 'resident' }), kept({ previous_replica_id, residency: 'loading' }), kept({ previous_replica_id, progress: waits })]).toEqual([[], [], []]);
});

test('C-266 before its node has heard of the wish, what serves others already is ready', () => {
  const before = { generation: 1, residency: 'resident', replica_id: 'r-old' } as const;
  expect([kept(before), kept(before, [replica('old'), replica('new')])]).toEqual([['bot'], []]);
});
