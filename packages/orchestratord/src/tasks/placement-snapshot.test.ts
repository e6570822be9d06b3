import { expect, test } from '@jest/globals';
import { aPoolStatus, aReplicaStatus } from '../../test/node-fixtures.js';
import { snapshotOf } from './placement-snapshot.js';

const context = { leasesOf: () => 0, accepts: () => true, keyOf: ({ model_id }: { readonly model_id: string }) => model_id };

test('C-251 what is parked serves nobody and holds no memory that anybody wants', () => {
  const replicas = [aReplicaStatus({ replica_id: 'r1', memory_bytes: 300 }), aReplicaStatus({ replica_id: 'r2', model_id: 'other', state: 'parked', memory_bytes: 50, slots_free: 0 })];
  const status = aPoolStatus({ memory_total_bytes: 1_000, memory_used_bytes: 350, replicas });
  const snapshot = snapshotOf({ poolId: status.pool_id, nodeId: 'n1', address: '', online: true, snapshotAgeMs: 0, status }, context);
  expect([snapshot.memoryFreeBytes, snapshot.replicas.map(({ replicaId }) => replicaId)]).toEqual([700, ['r1']]);
});
