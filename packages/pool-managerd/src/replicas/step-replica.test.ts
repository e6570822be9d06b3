import { describe, expect, test } from '@jest/globals';
import { aReplica, draining, failedUntil, loading, resident, stopping, waiting } from '../../test/a-replica.js';
import { nextReplicaId } from './replica-id.js';
import type { Replica } from './replica.js';
import { failuresAfterCrash, retryDelayMs } from './retry-policy.js';
import { stepReplica } from './step-replica.js';
import type { ReplicaEvent } from './step-replica.js';

const POLICY = { initialMs: 1_000, maxMs: 60_000, failuresMax: 5, giveUpMs: 300_000, stableMs: 60_000 };
const step = (replica: Replica, event: ReplicaEvent) => stepReplica(replica, event, POLICY);
const failure = { kind: 'load', message: 'no' } as const;

describe('stepReplica', () => {
  test('C-17 a load that succeeds clears the last error and takes the measured memory', () => {
    const event = { type: 'loaded', nowMs: 5, readyAtMs: 1_700, pid: 9, memoryBytes: 44 } as const;
    expect(step(aReplica('a', loading, { lastError: 'before' }), event)).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'resident', sinceMs: 5, readyAtMs: 1_700, pid: 9 }, { memoryBytes: 44, lastError: null }),
    });
  });

  test('C-50 a worker that ends by itself fails its replica with the last words', () => {
    expect(step(aReplica('a', resident), { type: 'gone', nowMs: 100, error: 'killed by SIGSEGV', random: 0.5 })).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'failed', sinceMs: 100, failure: { kind: 'crash', message: 'killed by SIGSEGV' }, retryAtMs: 1_100 }, { failures: 1, lastError: 'killed by SIGSEGV' }),
    });
  });

  test.each([['stopping', stopping], ['draining', draining(10)]] as const)('C-44 a %s replica whose process has ended is removed', (_, phase) => {
    expect(step(aReplica('a', phase), { type: 'gone', nowMs: 1, error: null, random: 0 })).toEqual({ kind: 'removed' });
  });

  test('C-14 want of memory counts as no failure and waits for no clock', () => {
    const event = { type: 'load_failed', nowMs: 3, failure: { kind: 'memory', message: 'full' }, random: 0 } as const;
    expect(step(aReplica('a', waiting, { failures: 2 }), event)).toEqual({
      kind: 'next',
      next: aReplica('a', { state: 'failed', sinceMs: 3, failure: { kind: 'memory', message: 'full' }, retryAtMs: null }, { failures: 2, lastError: 'full' }),
    });
  });

  test('C-50 a retry goes on counting failures; one that somebody asks for begins anew', () => {
    const failed = aReplica('a', failedUntil(5), { failures: 4 });
    const retried = (isAnew: boolean): ReplicaEvent => ({ type: 'retried', nowMs: 9, generation: 2, memoryBytes: 41, modelPath: '/m', isAnew });
    const after = { generation: 2, memoryBytes: 41, modelPath: '/m' };
    expect(step(failed, retried(false))).toEqual({ kind: 'next', next: aReplica('a', { state: 'waiting', sinceMs: 9 }, { ...after, failures: 4 }) });
    expect(step(failed, retried(true))).toEqual({ kind: 'next', next: aReplica('a', { state: 'waiting', sinceMs: 9 }, { ...after, failures: 0 }) });
  });

  test.each<[string, Replica, ReplicaEvent]>([
    ['the end of a load that was called off', aReplica('a', stopping), { type: 'load_failed', nowMs: 1, failure, random: 0 }],
    ['a drain of what is not resident', aReplica('a', failedUntil(3)), { type: 'drain_begun', nowMs: 1, deadlineMs: 2 }],
    ['progress that falls', aReplica('a', { state: 'loading', sinceMs: 0, fraction: 0.5 }), { type: 'progressed', fraction: 0.4 }],
    ['a second stop', aReplica('a', stopping), { type: 'stop_begun', nowMs: 1 }],
  ])('E-10 ignored: %s', (_, replica, event) => {
    expect(step(replica, event)).toEqual({ kind: 'ignored' });
  });
});

describe('retry', () => {
  test('C-50 waits double from one second, with a tenth of jitter either way, and give up after five failures', () => {
    expect([1, 2, 3, 4, 5, 6].map((failures) => retryDelayMs(failures, POLICY, 0.5))).toEqual([1_000, 2_000, 4_000, 8_000, 300_000, 300_000]);
    expect([retryDelayMs(1, POLICY, 0), retryDelayMs(1, POLICY, 1)]).toEqual([900, 1_100]);
  });

  test('C-50 a minute of readiness forgets what was before', () => {
    expect([failuresAfterCrash(3, 59_999, POLICY), failuresAfterCrash(3, 60_000, POLICY)]).toEqual([4, 1]);
  });
});

test('C-145 the same shape has the same id, another model never has it', () => {
  const shape = { poolId: 'p1', device: 'cpu', digest: 'sha256:aa', contextTokens: 256, slots: 2 };
  const id = nextReplicaId(shape, new Set());
  expect(id).toMatch(/^p1-[0-9a-f]{10}$/);
  expect(nextReplicaId(shape, new Set([id]))).toBe(`${id}-1`);
  expect(nextReplicaId({ ...shape, digest: 'sha256:bb' }, new Set())).not.toBe(id);
  expect(nextReplicaId({ ...shape, poolId: 'p'.repeat(128) }, new Set()).length).toBeLessThan(128);
});
