import { expect, test } from '@jest/globals';
import { aPoolStatus, aReplicaStatus } from '../../test/node-fixtures.js';
import type { PoolView } from '../nodes/node-view.js';
import { ReplicaTimes, type TimesLook } from './replica-times.js';

const pools = (...states: ('resident' | 'loading')[]): PoolView[] => [{ poolId: 'p', nodeId: 'n', address: '', online: true, snapshotAgeMs: 0, status: aPoolStatus({ replicas: states.map((state, n) => aReplicaStatus({ replica_id: `r${n}`, state })) }) }];
const look = (seen: PoolView[], useOf: TimesLook['useOf'], contended: ReadonlySet<string>, leaving: readonly string[] = []): TimesLook => ({ pools: seen, useOf, contended, leaving: new Set(leaving) });
const idle = () => undefined;
const busy = (replicaId: string) => ({ poolId: 'p', replicaId, leases: 1, queued: 0 });

test('G-21 a quantum begins when others begin to wait or the replica becomes ready, whichever is later', () => {
  const times = new ReplicaTimes();
  times.observe(look(pools('resident'), busy, new Set()), 0);
  times.observe(look(pools('resident'), busy, new Set(['p'])), 60_000);
  expect(times.servingMs('p', 'r0', 61_000)).toBe(1_000);
  times.observe(look(pools('loading'), idle, new Set(['p'])), 62_000);
  times.observe(look(pools('resident'), busy, new Set(['p'])), 63_000);
  expect(times.servingMs('p', 'r0', 63_500)).toBe(500);
  times.observe(look(pools('resident'), busy, new Set()), 64_000);
  expect(times.servingMs('p', 'r0', 70_000)).toBe(0);
});

test('C-265 one that is wanted again before it has left begins its quantum anew', () => {
  const times = new ReplicaTimes();
  times.observe(look(pools('resident', 'resident'), busy, new Set(['p'])), 0);
  times.observe(look(pools('resident', 'resident'), busy, new Set(['p']), ['r0']), 9_000);
  times.observe(look(pools('resident', 'resident'), busy, new Set(['p'])), 9_100);
  expect([times.servingMs('p', 'r0', 9_300), times.servingMs('p', 'r1', 9_300)]).toEqual([200, 9_300]);
});

test('G-21 a replica is idle since it last had anything to do', () => {
  const times = new ReplicaTimes();
  times.observe(look(pools('resident', 'resident'), busy, new Set()), 0);
  times.observe(look(pools('resident', 'resident'), (id) => (id === 'r0' ? busy(id) : undefined), new Set()), 1_000);
  expect([times.idleMs('r0', 1_500), times.idleMs('r1', 1_500), times.idleMs('unknown', 1_500)]).toEqual([500, 1_500, 0]);
});
