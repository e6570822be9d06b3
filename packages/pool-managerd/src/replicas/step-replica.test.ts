import { describe, expect, test } from '@jest/globals';
import { aReplica, draining, failedUntil, KILLED, loading, parkedAt, parking, POLICY, REFUSED, resident, resuming, stopping, waiting } from '../../test/a-replica.js';
import { nextReplicaId } from './replica-id.js';
import type { Replica } from './replica.js';
import { NO_FAILURES } from './restart-record.js';
import { stepReplica } from './step-replica.js';
import type { ReplicaEvent } from './step-replica.js';

const step = (replica: Replica, event: ReplicaEvent) => stepReplica(replica, event, POLICY);

describe('stepReplica', () => {
  test('C-17 a load that succeeds clears the last error and takes the measured memory', () => {
    const event = { type: 'loaded', nowMs: 5, readyAtMs: 1_700, pid: 9, socketPath: '/s', memoryBytes: 44, parkBytes: 3 } as const;
    expect(step(aReplica('a', loading, { lastError: 'before' }), event)).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'resident', sinceMs: 5, readyAtMs: 1_700, pid: 9, socketPath: '/s' }, { memoryBytes: 44, parkBytes: 3, lastError: null, restart: { ...NO_FAILURES, readySinceMs: 5 } }),
    });
  });

  test('C-50 C-51 a worker that ends by itself fails its replica with the last words, to be started again after the first wait', () => {
    expect(step(aReplica('a', resident), { type: 'gone', nowMs: 100, failure: KILLED, random: 0.5 })).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'failed', sinceMs: 100, failure: KILLED, retryAtMs: 1_100 }, { restart: { ...NO_FAILURES, failures: 1, backoffStep: 1, last: KILLED, failedAtMs: 100 }, lastError: KILLED.message }),
    });
  });

  test.each([['stopping', stopping], ['draining', draining(10)], ['parking', parking], ['parked', parkedAt(0)]] as const)('C-44 C-241 a %s replica whose process has ended is removed', (_, phase) => {
    expect(step(aReplica('a', phase), { type: 'gone', nowMs: 1, failure: null, random: 0 })).toEqual({ kind: 'removed' });
  });

  const failures = { ...NO_FAILURES, failures: 2, backoffStep: 2, last: REFUSED };

  test('C-14 want of memory counts as no failure and waits for no clock', () => {
    const failure = { kind: 'memory', reason: 'memory', message: 'full' } as const;
    expect(step(aReplica('a', waiting, { restart: failures }), { type: 'load_failed', nowMs: 3, failure, random: 0 })).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'failed', sinceMs: 3, failure, retryAtMs: null }, { restart: failures, lastError: 'full' }),
    });
  });

  test('C-52 a retry goes on counting failures, whoever asks for it; a reset forgets them and ends the wait', () => {
    const failed = aReplica('a', failedUntil(50), { restart: failures });
    const after = { generation: 2, memoryBytes: 41, modelPath: '/m' };
    expect(step(failed, { type: 'retried', nowMs: 9, ...after })).toEqual({ kind: 'next', next: aReplica('a', { state: 'waiting', sinceMs: 9 }, { ...after, restart: failures }) });
    expect(step(failed, { type: 'reset', nowMs: 9 })).toEqual({ kind: 'next', next: aReplica('a', failedUntil(9)) });
    expect(step(aReplica('a', resident, { restart: { ...failures, readySinceMs: 4 } }), { type: 'reset', nowMs: 9 })).toEqual({ kind: 'next', next: aReplica('a', resident, { restart: { ...NO_FAILURES, readySinceMs: 4 } }) });
  });

  test('C-250 from the drain to the parked state and back', () => {
    const after = (phase: Replica['phase']) => ({ kind: 'next', next: aReplica('a', phase) });
    expect(step(aReplica('a', draining(9)), { type: 'park_begun', nowMs: 3 })).toEqual(after({ ...parking, sinceMs: 3 } as Replica['phase']));
    expect(step(aReplica('a', parking), { type: 'parked', nowMs: 4, heldBytes: 7 })).toEqual(after(parkedAt(4, 7)));
    expect(step(aReplica('a', parkedAt(4, 7)), { type: 'awaited', nowMs: 5 })).toEqual(after(parkedAt(4, 7, 5)));
    expect(step(aReplica('a', parkedAt(4, 7)), { type: 'resume_begun', nowMs: 6 })).toEqual(after({ ...resuming, sinceMs: 6 } as Replica['phase']));
    expect(step(aReplica('a', resuming), { type: 'resumed', nowMs: 8, readyAtMs: 1_700 })).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'resident', sinceMs: 8, readyAtMs: 1_700, pid: 7, socketPath: '/s' }, { restart: { ...NO_FAILURES, readySinceMs: 8 } }),
    });
  });

  test('C-253 a process that ends on its way back leaves a replica that waits for its load, and no failure', () => {
    expect(step(aReplica('a', resuming), { type: 'gone', nowMs: 9, failure: KILLED, random: 0.5 })).toEqual({ kind: 'next', next: aReplica('a', { state: 'waiting', sinceMs: 9 }) });
  });

  test.each<[string, Replica, ReplicaEvent]>([
    ['the end of a park that was called off', aReplica('a', stopping), { type: 'parked', nowMs: 1, heldBytes: 1 }],
    ['a resume of what is not parked', aReplica('a', resident), { type: 'resume_begun', nowMs: 1 }],
    ['the end of a load that was called off', aReplica('a', stopping), { type: 'load_failed', nowMs: 1, failure: REFUSED, random: 0 }],
    ['a drain of what is not resident', aReplica('a', failedUntil(3)), { type: 'drain_begun', nowMs: 1, deadlineMs: 2 }],
    ['progress that falls', aReplica('a', { state: 'loading', sinceMs: 0, fraction: 0.5 }), { type: 'progressed', fraction: 0.4 }],
    ['a second stop', aReplica('a', stopping), { type: 'stop_begun', nowMs: 1 }],
  ])('E-10 ignored: %s', (_, replica, event) => {
    expect(step(replica, event)).toEqual({ kind: 'ignored' });
  });
});

test('C-145 the same shape has the same id, another model never has it', () => {
  const shape = { poolId: 'p1', device: 'cpu', modelId: 'a', digest: 'sha256:aa', engineId: null, contextTokens: 256, slots: 2 };
  const id = nextReplicaId(shape, new Set());
  expect(id).toMatch(/^p1-[0-9a-f]{10}$/);
  expect(nextReplicaId(shape, new Set([id]))).toBe(`${id}-1`);
  expect(nextReplicaId({ ...shape, digest: 'sha256:bb' }, new Set())).not.toBe(id);
  expect(nextReplicaId({ ...shape, modelId: 'b' }, new Set())).not.toBe(id);
  expect(nextReplicaId({ ...shape, poolId: 'p'.repeat(128) }, new Set()).length).toBeLessThan(128);
});
