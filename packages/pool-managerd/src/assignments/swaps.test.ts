import { describe, expect, test } from '@jest/globals';
import { aReplica, aWanted, failedUntil, KILLED, loading, resident, waiting } from '../../test/a-replica.js';
import type { AssignmentStatus } from '@corral/contracts';
import type { Replica, ReplicaPhase } from '../replicas/replica.js';
import { withSwap } from './swap-status.js';
import { Swaps } from './swaps.js';
import type { SwapOutcome } from './swaps.js';

const STATUS: AssignmentStatus = { instance_id: 'i', org_id: 'o', generation: 2, pool_id: 'p1', residency: 'on_disk', replica_id: null, last_error: null, progress: null };
const failedFor = (kind: 'room' | 'memory'): ReplicaPhase => ({ state: 'failed', sinceMs: 0, retryAtMs: null, failure: { kind, reason: 'memory', message: 'full' } });

const [A, B] = [aWanted('a'), aWanted('b', { latestGeneration: 2 })];

/** One instance that was served by model a, and wants b from generation 2 on. */
function served() {
  const outcomes: SwapOutcome[] = [];
  const swaps = new Swaps((outcome) => outcomes.push(outcome));
  swaps.follow([{ holder: 'o/i', poolId: 'p1', key: A.key, generation: 1 }], [A], [aReplica('a', resident)]);
  const wantB = (replicas: readonly Replica[], over: { readonly key?: null; readonly generation?: number } = {}) =>
    swaps.follow([{ holder: 'o/i', poolId: 'p1', key: B.key, generation: 2, ...over }], over.key === null ? [] : [B], replicas);
  const b = (phase: Parameters<typeof aReplica>[1], over: Partial<Replica> = {}) => aReplica('b', phase, { generation: 2, ...over });
  return { swaps, outcomes, wantB, b };
}

describe('swaps', () => {
  test('C-261 the old replica serves until what takes its place is known, ready, and it has gone', () => {
    const { swaps, outcomes, wantB, b } = served();
    const a = aReplica('a', resident);
    expect(wantB([a], { key: null })).toEqual({ wanted: [], kept: new Set([A.key]), replacedBy: new Map() });
    const underWay = { wanted: [B], kept: new Set(), replacedBy: new Map([[A.key, B.key]]) };
    expect(wantB([a])).toEqual(underWay);
    expect(wantB([a, b(loading)])).toEqual(underWay);
    expect(wantB([a, b(resident)])).toEqual(underWay);
    expect(wantB([b(resident)])).toEqual({ wanted: [B], kept: new Set(), replacedBy: new Map() });
    expect([outcomes, swaps.of('o/i')]).toEqual([[{ holder: 'o/i', poolId: 'p1', outcome: 'succeeded', mode: 'beside', from: 'a', to: 'b' }], null]);
  });

  test('C-40 a load that fails beside the old replica leaves that as it is, and is not tried again before something newer is wanted', () => {
    const { swaps, outcomes, wantB, b } = served();
    const a = aReplica('a', resident);
    wantB([a, b(loading)]);
    const back = { wanted: [{ ...A }], kept: new Set(), replacedBy: new Map() };
    expect(wantB([a, b(failedUntil(9_000))])).toEqual(back);
    expect(wantB([a])).toEqual(back);
    expect(swaps.of('o/i')).toEqual({ from: A, generation: 2, mode: 'beside', failure: 'it broke' });
    expect(wantB([a], { generation: 3 })).toEqual({ wanted: [B], kept: new Set(), replacedBy: new Map([[A.key, B.key]]) });
    expect(outcomes.map(({ outcome, mode }) => [outcome, mode])).toEqual([['failed', 'beside']]);
  });

  test('C-40 where the old replica was drained first, a load that fails has it loaded again', () => {
    const { outcomes, wantB, b } = served();
    wantB([b(loading)]);
    expect(wantB([b(failedUntil(null))]).wanted).toEqual([A]);
    expect(outcomes).toEqual([{ holder: 'o/i', poolId: 'p1', outcome: 'failed', mode: 'drained_first', from: 'a', to: 'b' }]);
  });

  test('C-261 an old failure of the new model, and a crash after it was ready, are none of the swap', () => {
    const { swaps, wantB, b } = served();
    const a = aReplica('a', resident);
    wantB([a, b(failedUntil(9_000), { generation: 1 })]);
    wantB([a, b({ state: 'failed', sinceMs: 0, failure: KILLED, retryAtMs: 9_000 })]);
    expect(swaps.of('o/i')?.failure).toBe(null);
  });

  test('C-266 an old replica that others want too is no part of the swap: that is over when the new one is ready', () => {
    const { swaps, outcomes, b } = served();
    const both = (replicas: readonly Replica[]) => swaps.follow([{ holder: 'o/i', poolId: 'p1', key: B.key, generation: 2 }, { holder: 'o/j', poolId: 'p1', key: A.key, generation: 1 }], [A, B], replicas);
    const a = aReplica('a', resident);
    expect(both([a, b(loading)]).replacedBy).toEqual(new Map([[A.key, B.key]]));
    expect([both([a, b(resident)]).replacedBy, swaps.of('o/i')]).toEqual([new Map(), null]);
    expect(outcomes.map(({ holder, outcome }) => [holder, outcome])).toEqual([['o/i', 'succeeded']]);
  });

  test('C-264 a swap that failed for want of room alone says so', () => {
    const { swaps, wantB, b } = served();
    const a = aReplica('a', resident);
    wantB([a, b(failedFor('room'))]);
    expect(withSwap(STATUS, swaps.of('o/i'), [a])).toEqual({ ...STATUS, residency: 'failed', replica_id: null, last_error: 'full; a serves on in its place', previous_replica_id: 'a', no_room: true });
    const other = served();
    other.wantB([a, b(failedFor('memory'))]);
    expect(withSwap(STATUS, other.swaps.of('o/i'), [a])).not.toHaveProperty('no_room');
  });

  test('C-42 whoever wants again what serves is in no swap', () => {
    const { swaps, wantB, b } = served();
    const a = aReplica('a', resident);
    wantB([a, b(waiting)]);
    expect(swaps.follow([{ holder: 'o/i', poolId: 'p1', key: A.key, generation: 3 }], [A], [a, b(waiting)])).toEqual({ wanted: [A], kept: new Set(), replacedBy: new Map() });
    expect(swaps.of('o/i')).toBe(null);
  });

  test('C-261 nothing is kept for one that is no longer wanted, or is wanted in another pool', () => {
    const { swaps, wantB } = served();
    const a = aReplica('a', resident);
    expect(swaps.follow([], [], [a])).toEqual({ wanted: [], kept: new Set(), replacedBy: new Map() });
    expect(wantB([a], { key: null })).toEqual({ wanted: [], kept: new Set(), replacedBy: new Map() });
    const moved = served();
    const there = { ...B, poolId: 'p2' };
    expect(moved.swaps.follow([{ holder: 'o/i', poolId: 'p2', key: there.key, generation: 2 }], [there], [a])).toEqual({ wanted: [there], kept: new Set(), replacedBy: new Map() });
  });

  test('C-262 whoever comes to take a place is served by what holds it until then', () => {
    const outcomes: SwapOutcome[] = [];
    const swaps = new Swaps((outcome) => outcomes.push(outcome));
    const a = aReplica('a', resident);
    const follow = (replicas: readonly Replica[]) => swaps.follow([{ holder: 'op-1', poolId: 'p1', key: B.key, generation: 2, from: A.key }], [B], replicas);
    expect(follow([a]).replacedBy).toEqual(new Map([[A.key, B.key]]));
    follow([aReplica('b', resident, { generation: 2 })]);
    expect(outcomes.map(({ outcome, from, to }) => [outcome, from, to])).toEqual([['succeeded', 'a', 'b']]);
  });
});
