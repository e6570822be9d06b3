import { describe, expect, test } from '@jest/globals';
import { aReplica, aWanted, draining, failedUntil, loading, NO_PARKING, parkedAt, POLICY, resident, stopping, waiting } from '../../test/a-replica.js';
import { planReplicas } from './plan-replicas.js';
import type { ReplicaPlanInput } from './plan-replicas.js';
import type { SwapRules } from './plan-swaps.js';
import type { Replica, ReplicaPhase } from './replica.js';

const [A, B] = [aWanted('a'), aWanted('b')];
const SWAP: SwapRules = { kept: new Set(), replacedBy: new Map([[A.key, B.key]]), lingerMs: 200 };
/** Forty bytes each: two fit into a hundred, one into sixty. */
const plan = (replicas: readonly Replica[], over: Partial<ReplicaPlanInput> & { readonly totalBytes?: number } = {}) =>
  planReplicas({ pool: { poolId: 'p1', isOpen: true, memoryTotalBytes: over.totalBytes ?? 100, replicasMax: null }, wanted: [B], replicas, leases: () => 1, nowMs: 1_000, memoryGraceMs: 500, restart: POLICY, parking: NO_PARKING, swaps: SWAP, ...over });
const a = (phase: ReplicaPhase = resident) => aReplica('a', phase);
const b = (phase: ReplicaPhase) => aReplica('b', phase);
const ready = (sinceMs: number): ReplicaPhase => ({ ...resident, sinceMs }) as ReplicaPhase;

describe('a replica that another one takes the place of', () => {
  test('C-261 where both fit it serves until the new one is ready, and a moment longer', () => {
    expect(plan([a()]).actions).toEqual([{ type: 'create', wanted: B }]);
    expect(plan([a(), b(waiting)]).actions).toEqual([{ type: 'start', replicaId: 'b' }]);
    expect(plan([a(), b(loading)]).actions).toEqual([]);
    expect(plan([a(), b(ready(900))])).toEqual({ actions: [], wakeAtMs: 1_100 });
    expect(plan([a(), b(ready(800))]).actions).toEqual([{ type: 'drain', replicaId: 'a', cause: 'b has taken its place' }]);
  });

  test('C-261 where both do not fit it leaves when the new one could be loaded, and not before', () => {
    const tight = { totalBytes: 60 };
    expect(plan([a(), b(waiting)], tight).actions).toEqual([{ type: 'drain', replicaId: 'a', cause: 'b takes its place, and there is no room beside it' }]);
    expect(plan([a(), b(waiting)], { ...tight, wanted: [{ ...B, isVerified: false }] }).actions).toEqual([]);
    expect(plan([a(draining(5_000)), b(waiting)], tight)).toEqual({ actions: [], wakeAtMs: 5_000 });
    expect(plan([a(stopping), b(waiting)], tight).actions).toEqual([]);
    expect(plan([b(waiting)], tight).actions).toEqual([{ type: 'start', replicaId: 'b' }]);
  });

  test('C-267 a third one that needs the place waits while the old one lingers, however long it has waited before', () => {
    const third = aWanted('c', { order: 9 });
    const c = aReplica('c', waiting);
    expect(plan([a(), b(ready(900)), c], { wanted: [B, third], nowMs: 1_000, memoryGraceMs: 50 })).toEqual({ actions: [], wakeAtMs: 1_100 });
    expect(plan([a(), b(ready(900)), c], { wanted: [B, third], nowMs: 1_100, memoryGraceMs: 50 }).actions).toEqual([{ type: 'drain', replicaId: 'a', cause: 'b has taken its place' }]);
  });

  test('C-261 what can never be loaded, and what only a parked one or one on its way out keeps out, drives it away from nowhere', () => {
    const large = aWanted('b', { memoryBytes: 120 });
    expect(plan([a(), aReplica('b', waiting, { memoryBytes: 120 })], { wanted: [large] }).actions).toEqual([{ type: 'fail', replicaId: 'b', failure: expect.objectContaining({ kind: 'memory' }) }]);
    expect(plan([a(), b(waiting), aReplica('c', parkedAt(0, 40))]).actions).toEqual([{ type: 'stop', replicaId: 'c' }]);
    expect(plan([a(), b(waiting), aReplica('c', stopping)]).actions).toEqual([]);
    expect(plan([a(), b(failedUntil(9_000))]).actions).toEqual([]);
  });

  test('C-261 while nobody knows what takes its place it stays; one that another instance wants is no part of it; a drained pool keeps nobody', () => {
    expect(plan([a()], { wanted: [], swaps: { ...SWAP, kept: new Set([A.key]), replacedBy: new Map() } }).actions).toEqual([]);
    expect(plan([a(), b(ready(0))], { wanted: [A, B] }).actions).toEqual([]);
    expect(plan([a()], { wanted: [], swaps: { ...SWAP, replacedBy: new Map() } }).actions).toEqual([{ type: 'drain', replicaId: 'a' }]);
    expect(plan([a(), b(loading)], { pool: { poolId: 'p1', isOpen: false, memoryTotalBytes: 100, replicasMax: null } }).actions).toEqual([{ type: 'drain', replicaId: 'a' }, { type: 'stop', replicaId: 'b' }]);
  });
});
