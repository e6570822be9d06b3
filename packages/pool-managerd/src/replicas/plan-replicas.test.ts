import { describe, expect, test } from '@jest/globals';
import { aReplica, aWanted, draining, failedUntil, KILLED, loading, NO_PARKING, POLICY, resident, stopping, waiting } from '../../test/a-replica.js';
import { planReplicas } from './plan-replicas.js';
import type { ReplicaPlanInput } from './plan-replicas.js';
import type { ReplicaPhase } from './replica.js';
import { NO_FAILURES } from './restart-record.js';

const POOL = { poolId: 'p1', isOpen: true, memoryTotalBytes: 100, replicasMax: null };
const plan = (over: Partial<ReplicaPlanInput>) =>
  planReplicas({ pool: POOL, wanted: [], replicas: [], leases: () => 0, nowMs: 1_000, memoryGraceMs: 500, restart: POLICY, parking: NO_PARKING, ...over });

describe('planReplicas', () => {
  test('C-10 what is wanted and not there is made, what is there and wanted stays', () => {
    const [a, b] = [aWanted('a'), aWanted('b')];
    expect(plan({ wanted: [a, b], replicas: [aReplica('a', resident)] })).toEqual({ actions: [{ type: 'create', wanted: b }], wakeAtMs: 1_000 });
    expect(plan({ wanted: [a], replicas: [aReplica('a', resident)] })).toEqual({ actions: [], wakeAtMs: null });
  });

  test('C-10 loads of a pool happen one at a time, in the order in which they were asked for', () => {
    const wanted = [aWanted('a', { order: 9 }), aWanted('b', { order: 3 })];
    const replicas = [aReplica('a', waiting), aReplica('b', waiting)];
    expect(plan({ wanted, replicas }).actions).toEqual([{ type: 'start', replicaId: 'b' }]);
    expect(plan({ wanted, replicas: [aReplica('a', waiting), aReplica('b', loading)] }).actions).toEqual([]);
  });

  test('C-11 nothing is loaded from a file that was not looked at', () => {
    const replicas = [aReplica('a', waiting)];
    expect(plan({ wanted: [aWanted('a', { isVerified: false })], replicas }).actions).toEqual([]);
  });

  test.each([
    ['waiting', waiting, 'discard'],
    ['loading', loading, 'stop'],
    ['resident', resident, 'drain'],
    ['failed', failedUntil(9_000), 'discard'],
  ] as const)('E-10 a %s replica that nobody wants leaves', (_, phase, type) => {
    expect(plan({ replicas: [aReplica('a', phase)] }).actions).toEqual([{ type, replicaId: 'a' }]);
  });

  test('C-44 a draining replica stops when its last lease has ended, or at its deadline', () => {
    const replicas = [aReplica('a', draining(2_000))];
    expect(plan({ replicas, leases: () => 1 })).toEqual({ actions: [], wakeAtMs: 2_000 });
    expect(plan({ replicas, leases: () => 0 }).actions).toEqual([{ type: 'stop', replicaId: 'a' }]);
    expect(plan({ replicas, leases: () => 1, nowMs: 2_000 }).actions).toEqual([{ type: 'stop', replicaId: 'a' }]);
  });

  test('C-82 a draining replica that is wanted again goes on instead of being loaded anew', () => {
    expect(plan({ wanted: [aWanted('a')], replicas: [aReplica('a', draining(2_000))] }).actions).toEqual([{ type: 'revive', replicaId: 'a' }]);
  });

  test('C-14 memory counts until the process is gone, and the load that needs it waits', () => {
    const wanted = [aWanted('b', { memoryBytes: 80 })];
    const b = aReplica('b', waiting, { memoryBytes: 80 });
    expect(plan({ wanted, replicas: [aReplica('a', stopping), b], nowMs: 60_000 })).toEqual({ actions: [], wakeAtMs: null });
    expect(plan({ wanted, replicas: [aReplica('a', draining(70_000)), b], leases: () => 1, nowMs: 60_000 })).toEqual({ actions: [], wakeAtMs: 70_000 });
    expect(plan({ wanted, replicas: [b], nowMs: 60_000 }).actions).toEqual([{ type: 'start', replicaId: 'b' }]);
  });

  test('C-14 a load that nothing will make room for fails with the numbers, after a moment for the event that frees it', () => {
    const wanted = [aWanted('a'), aWanted('b', { memoryBytes: 80 })];
    const replicas = [aReplica('a', resident), aReplica('b', { state: 'waiting', sinceMs: 800 }, { memoryBytes: 80 })];
    expect(plan({ wanted, replicas })).toEqual({ actions: [], wakeAtMs: 1_300 });
    expect(plan({ wanted, replicas, nowMs: 1_300 }).actions).toEqual([
      {
        type: 'fail',
        replicaId: 'b',
        failure: { kind: 'room', reason: 'memory', message: 'b needs 80 B (256 tokens × 1 slots), pool p1 has 100 B and 40 B of it stay with a; unload one' },
      },
    ]);
  });

  test('C-267 who came, or came back, while a load waited for its place is given a moment to leave again', () => {
    const wanted = [aWanted('a'), aWanted('b', { memoryBytes: 80 })];
    const replicas = [aReplica('a', { ...resident, sinceMs: 900 }), aReplica('b', waiting, { memoryBytes: 80 })];
    expect(plan({ wanted, replicas })).toEqual({ actions: [], wakeAtMs: 1_400 });
    expect(plan({ wanted, replicas, nowMs: 1_400 }).actions).toEqual([{ type: 'fail', replicaId: 'b', failure: expect.objectContaining({ kind: 'room' }) }]);
  });

  test('C-14 a model larger than the pool fails at once', () => {
    const wanted = [aWanted('b', { memoryBytes: 101 })];
    expect(plan({ wanted, replicas: [aReplica('b', { state: 'waiting', sinceMs: 1_000 }, { memoryBytes: 101 })] }).actions).toEqual([
      {
        type: 'fail',
        replicaId: 'b',
        failure: { kind: 'memory', reason: 'memory', message: 'b needs 101 B (256 tokens × 1 slots), pool p1 has 100 B; use a smaller context, fewer slots or a larger pool' },
      },
    ]);
  });

  test('C-14 a smaller model does not overtake one that waits for its memory', () => {
    const wanted = [aWanted('b', { memoryBytes: 80, order: 2 }), aWanted('c', { memoryBytes: 10, order: 3 })];
    const replicas = [aReplica('a', stopping), aReplica('b', waiting, { memoryBytes: 80 }), aReplica('c', waiting, { memoryBytes: 10 })];
    expect(plan({ wanted, replicas }).actions).toEqual([]);
  });

  test('C-141 a pool holds no more replicas than it has threads for', () => {
    const wanted = [aWanted('a', { memoryBytes: 1 }), aWanted('b', { memoryBytes: 1 })];
    const replicas = [aReplica('a', resident, { memoryBytes: 1 }), aReplica('b', waiting, { memoryBytes: 1 })];
    expect(plan({ pool: { ...POOL, replicasMax: 1 }, wanted, replicas }).actions).toEqual([
      { type: 'fail', replicaId: 'b', failure: { kind: 'room', reason: 'memory', message: 'pool p1 holds at most 1 replicas and a stay; unload one' } },
    ]);
  });

  test('C-51 a failed replica is tried again when its time has come, or when a newer assignment asks', () => {
    const replicas = [aReplica('a', failedUntil(5_000))];
    const [same, newer] = [aWanted('a'), aWanted('a', { latestGeneration: 2 })];
    expect(plan({ wanted: [same], replicas })).toEqual({ actions: [], wakeAtMs: 5_000 });
    expect(plan({ wanted: [same], replicas, nowMs: 5_000 }).actions).toEqual([{ type: 'retry', replicaId: 'a', wanted: same, isAnew: false }]);
    expect(plan({ wanted: [newer], replicas }).actions).toEqual([{ type: 'retry', replicaId: 'a', wanted: newer, isAnew: true }]);
  });

  test('C-52 while a breaker is open no assignment starts it, and it is shown until then though nobody wants it', () => {
    const breaker = { state: 'open', untilMs: 5_000, openMs: 300_000, cause: 'failures' } as const;
    const held = aReplica('a', { ...failedUntil(5_000), failure: KILLED } as ReplicaPhase, { restart: { ...NO_FAILURES, failures: 5, last: KILLED, breaker } });
    const newer = aWanted('a', { latestGeneration: 2 });
    expect(plan({ wanted: [newer], replicas: [held] })).toEqual({ actions: [], wakeAtMs: 5_000 });
    expect(plan({ replicas: [held] })).toEqual({ actions: [], wakeAtMs: 5_000 });
    expect(plan({ wanted: [newer], replicas: [held], nowMs: 5_000 }).actions).toEqual([{ type: 'retry', replicaId: 'a', wanted: newer, isAnew: true }]);
    expect(plan({ replicas: [held], nowMs: 5_000 }).actions).toEqual([{ type: 'discard', replicaId: 'a' }]);
    expect(plan({ pool: { ...POOL, isOpen: false }, replicas: [held] }).actions).toEqual([{ type: 'discard', replicaId: 'a' }]);
  });

  test('C-52 a replica that stays ready for long enough has its failures made good', () => {
    const restart = { ...NO_FAILURES, failures: 5, backoffStep: 5, last: KILLED, readySinceMs: 0, breaker: { state: 'half_open', openMs: 300_000 } } as const;
    const replicas = [aReplica('a', resident, { restart })];
    expect(plan({ wanted: [aWanted('a')], replicas })).toEqual({ actions: [], wakeAtMs: 60_000 });
    expect(plan({ wanted: [aWanted('a')], replicas, nowMs: 60_000 }).actions).toEqual([{ type: 'steady', replicaId: 'a' }]);
  });

  test('C-14 a failure for want of memory is tried again as soon as the memory is to be had', () => {
    const wanted = [aWanted('a'), aWanted('b', { memoryBytes: 80 })];
    const failed = aReplica('b', failedUntil(null), { memoryBytes: 80 });
    expect(plan({ wanted, replicas: [aReplica('a', resident), failed], nowMs: 1e9 })).toEqual({ actions: [], wakeAtMs: null });
    expect(plan({ wanted: wanted.slice(1), replicas: [aReplica('a', draining(2_000)), failed], leases: () => 1 }).actions).toEqual([
      { type: 'retry', replicaId: 'b', wanted: wanted[1], isAnew: false },
    ]);
  });

  test('C-21 a pool that is drained keeps nothing and starts nothing', () => {
    const wanted = [aWanted('a'), aWanted('b')];
    expect(plan({ pool: { ...POOL, isOpen: false }, wanted, replicas: [aReplica('a', resident)] }).actions).toEqual([{ type: 'drain', replicaId: 'a' }]);
  });
});
