import { describe, expect, test } from '@jest/globals';
import type { Tier } from '@corral/contracts';
import { aModelSpec, anInstance } from '../../test/fixtures.js';
import { COLD, READY } from '../../test/instances-rig.js';
import { aPoolStatus, aReplicaStatus } from '../../test/node-fixtures.js';
import type { InstanceState } from '../assignments/lifecycle.js';
import { modelKeyOfReplica } from '../manifest/model-key.js';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import { poolStats } from './pool-stats.js';

const MIB = 1_048_576;
const spec = aModelSpec({ digest: null });
const digest = `sha256:${'b'.repeat(64)}`;
const STAGED: InstanceState = { ...COLD, residency: 'staged', nodeId: 'n1' };

function statsOf(instances: readonly (readonly [string, Tier, InstanceState])[], online = true) {
  const states = new Map(instances.map(([id, , state]) => [id, state]));
  const replica = aReplicaStatus({ model_id: spec.model_id, digest, context: spec.context, state: 'resident', memory_bytes: 300 * MIB });
  const pool: PoolView = { poolId: 'p1', nodeId: 'n1', address: 'http://n1', online, snapshotAgeMs: 0, status: aPoolStatus({ pool_id: 'p1', node_id: 'n1', replicas: [replica] }) };
  const entry = { model_id: spec.model_id, digest, size_bytes: 100 * MIB, state: 'staged' as const, progress: null, pinned: false, leases: 0 };
  const place: NodePlace = { nodeId: 'n1', online, models: [], assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: { used_bytes: 100 * MIB, max_bytes: 1_000 * MIB, best_effort: false, entries: [entry], failures: [] } };
  const records = instances.map(([instanceId, tier]): InstanceRecord => ({ ...anInstance({ instanceId, tier, kind: 'explicit', origin: 'api' }), generation: 0, heldTier: null, lastUsedAtMs: null, createdAtMs: 0, updatedAtMs: 0, deletedAtMs: null }));
  return poolStats({ instances: records, pools: [pool], places: [place], stateOf: ({ instanceId }) => states.get(instanceId) ?? COLD, specOf: () => spec, keyOf: (one) => modelKeyOfReplica(one, { specOf: () => spec, keysSeen: () => [] }) });
}

describe('pool statistics', () => {
  test('B-119 each instance counts once: tier demand by its tier, all others by where they are', () => {
    const stats = statsOf([['a', 'cold', READY], ['b', 'hot', READY], ['c', 'hot', STAGED], ['d', 'warm', COLD], ['e', 'demand', READY], ['f', 'hot', { ...READY, residency: 'loading', isReady: false }]]);
    expect(stats).toMatchObject({ total_instances: 6, hot_tier_count: 2, warm_tier_count: 1, cold_tier_count: 2, demand_tier_count: 1 });
  });

  test('G-42 two that share a model and a replica count its digest, its engine and its memory once', () => {
    expect(statsOf([['a', 'hot', READY], ['b', 'hot', READY]])).toMatchObject({ shared_model_count: 1, shared_bundle_count: 1, memory_estimate_mb: 300 });
    expect(statsOf([['a', 'hot', READY], ['b', 'warm', STAGED], ['c', 'warm', STAGED]])).toMatchObject({ shared_model_count: 1, shared_bundle_count: 1, memory_estimate_mb: 400 });
  });

  test('B-119 nothing is loaded: nothing is shared', () => {
    expect(statsOf([['a', 'cold', COLD]])).toEqual({ total_instances: 1, hot_tier_count: 0, warm_tier_count: 0, cold_tier_count: 1, demand_tier_count: 0, shared_model_count: 0, shared_bundle_count: 0, memory_estimate_mb: 0 });
  });
});
