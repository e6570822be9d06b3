import { describe, expect, test } from '@jest/globals';
import { aReplica, aWanted, draining, loading, NO_PARKING, parkedAt, parking, POLICY, resident, resuming, stopping, waiting } from '../../test/a-replica.js';
import type { ParkingRules } from './plan-parking.js';
import { planReplicas } from './plan-replicas.js';
import type { ReplicaPlanInput } from './plan-replicas.js';

const POOL = { poolId: 'p1', isOpen: true, memoryTotalBytes: 100, replicasMax: 1 };
const near = (names: string, over: Partial<ParkingRules> = {}): ParkingRules => ({ keys: new Set([...names].map((name) => aWanted(name).key)), maxParked: 2, isStagingShort: false, ...over });
const plan = (over: Partial<ReplicaPlanInput>) => planReplicas({ pool: POOL, wanted: [], replicas: [], leases: () => 0, nowMs: 1_000, memoryGraceMs: 500, restart: POLICY, parking: near('abcde'), ...over });
const drained = aReplica('a', draining(2_000), { parkBytes: 10 });
const does = (type: string, replicaId = 'a') => [{ type, replicaId }];

describe('planReplicas: parking', () => {
  test('C-250 a demoted replica that has drained is parked, as long as it may and its model is kept near', () => {
    expect(plan({ replicas: [drained] }).actions).toEqual(does('park'));
    expect(plan({ replicas: [drained], leases: () => 1 }).actions).toEqual([]);
    expect(plan({ replicas: [drained], leases: () => 1, nowMs: 2_000 }).actions).toEqual(does('stop'));
    expect(plan({ replicas: [aReplica('a', draining(2_000))] }).actions).toEqual(does('stop'));
    for (const rules of [near('b'), near('a', { maxParked: 0 }), near('a', { isStagingShort: true }), NO_PARKING]) expect(plan({ replicas: [drained], parking: rules }).actions).toEqual(does('stop'));
    expect(plan({ replicas: [drained], pool: { ...POOL, isOpen: false } }).actions).toEqual(does('stop'));
  });

  test('C-252 where the next load would not fit beside it, it is ended instead of parked', () => {
    const wanted = (memoryBytes: number) => ({ wanted: [aWanted('b', { memoryBytes })], replicas: [drained, aReplica('b', waiting, { memoryBytes })] });
    expect(plan(wanted(90)).actions).toEqual(does('park'));
    expect(plan(wanted(91)).actions).toEqual(does('stop'));
  });

  test('C-250 it stays until its model is not kept near any longer, its pool closes, or too much is parked', () => {
    const [old, newer, newest] = [aReplica('a', parkedAt(1)), aReplica('b', parkedAt(2)), aReplica('c', parkedAt(3))];
    expect(plan({ replicas: [old, newer] })).toEqual({ actions: [], wakeAtMs: null });
    expect(plan({ replicas: [newer, old, newest] }).actions).toEqual(does('stop'));
    expect(plan({ replicas: [newer, old], parking: near('ab', { isStagingShort: true }) }).actions).toEqual(does('stop'));
    expect(plan({ replicas: [old, newer], parking: near('a') }).actions).toEqual(does('stop', 'b'));
    expect(plan({ replicas: [old], pool: { ...POOL, isOpen: false } }).actions).toEqual(does('stop'));
    expect(plan({ replicas: [aReplica('a', parkedAt(1, 70)), aReplica('b', resident)] , wanted: [aWanted('b')] }).actions).toEqual(does('stop'));
  });

  test('C-252 what is parked goes first when a load wants its memory, the oldest first and no more than needed', () => {
    const load = (memoryBytes: number) => ({ wanted: [aWanted('d', { memoryBytes })], replicas: [aReplica('b', parkedAt(2)), aReplica('a', parkedAt(1)), aReplica('d', waiting, { memoryBytes })] });
    expect(plan(load(90)).actions).toEqual(does('start', 'd'));
    expect(plan(load(93)).actions).toEqual(does('stop'));
    expect(plan(load(101)).actions).toMatchObject([{ type: 'fail', replicaId: 'd' }]);
  });

  test('C-252 it stays where its memory would not help, or is not needed once others have left', () => {
    const parked = aReplica('a', parkedAt(1));
    const d = aReplica('d', { state: 'waiting', sinceMs: 900 }, { memoryBytes: 70 });
    const input = { pool: { ...POOL, replicasMax: null }, wanted: [aWanted('d', { memoryBytes: 70 }), aWanted('b')] };
    expect(plan({ ...input, replicas: [parked, aReplica('b', resident), d] }).actions).toEqual([]);
    expect(plan({ ...input, wanted: [aWanted('d', { memoryBytes: 70 })], replicas: [parked, aReplica('b', stopping), d] }).actions).toEqual([]);
  });

  test('C-253 a model that is parked and wanted resumes in its turn instead of being loaded, and uses no place while it is parked', () => {
    const wanted = [aWanted('a', { order: 2, isVerified: false }), aWanted('b', { order: 1 })];
    const parked = aReplica('a', parkedAt(1));
    expect(plan({ wanted: wanted.slice(0, 1), replicas: [parked] }).actions).toEqual(does('resume'));
    expect(plan({ wanted, replicas: [parked, aReplica('b', waiting)] }).actions).toEqual(does('start', 'b'));
    expect(plan({ wanted, replicas: [parked, aReplica('b', loading)], pool: { ...POOL, replicasMax: 2 } }).actions).toEqual([]);
    expect(plan({ wanted: wanted.slice(1), replicas: [aReplica('a', resuming), aReplica('b', waiting)] }).actions).toEqual(does('stop'));
    expect(plan({ wanted, replicas: [aReplica('a', parking), aReplica('b', waiting)] }).actions).toEqual([]);
  });

  test('C-253 without the memory of its context it waits as a load does, then leaves so that its load says why', () => {
    const input = { wanted: [aWanted('b', { memoryBytes: 80 }), aWanted('a')] };
    const others = [aReplica('b', resident, { memoryBytes: 80 })];
    expect(plan({ ...input, replicas: [aReplica('a', parkedAt(1)), ...others] }).actions).toEqual(does('await'));
    expect(plan({ ...input, replicas: [aReplica('a', parkedAt(1, 5, 800)), ...others] })).toEqual({ actions: [], wakeAtMs: 1_300 });
    expect(plan({ ...input, replicas: [aReplica('a', parkedAt(1, 5, 500)), ...others] }).actions).toEqual(does('stop'));
    expect(plan({ ...input, wanted: [aWanted('a')], replicas: [aReplica('a', parkedAt(1)), aReplica('b', stopping, { memoryBytes: 80 })] }).actions).toEqual([]);
  });
});
