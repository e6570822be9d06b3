import { describe, expect, test } from '@jest/globals';
import type { PreloadState } from './preloads.js';
import { poolReadiness } from './readiness.js';
import type { ReadinessInput } from './readiness.js';

const preload = (instanceId: string, state: PreloadState['state'], reason: string | null = null): PreloadState => ({ instanceId, state, reason });
const readiness = (over: Partial<ReadinessInput>) => poolReadiness({ problem: null, isSettled: true, isDraining: false, wasUsable: false, wasReady: false, preloads: [], idle: null, isServing: false, ...over });

describe('poolReadiness', () => {
  test('C-10 a pool with a device and nothing to preload is ready', () => {
    expect(readiness({})).toEqual({ ready: true, takesWork: true, reason: null });
  });

  test('T-109 a pool without a device is not, and says why', () => {
    expect(readiness({ problem: 'no GPU', wasReady: true })).toEqual({ ready: false, takesWork: false, reason: 'no GPU' });
  });

  test('T-100 C-10 not before its preloads have ended', () => {
    expect(readiness({ preloads: [preload('a', 'resident'), preload('b', 'coming')] })).toEqual({ ready: false, takesWork: true, reason: 'preloading b' });
    expect(readiness({ preloads: [preload('a', 'resident'), preload('b', 'resident')] }).ready).toBe(true);
  });

  test('C-14 where every preload failed, the pool is unready with the error; one that succeeded is enough', () => {
    expect(readiness({ preloads: [preload('a', 'failed', 'wrong digest')] })).toEqual({ ready: false, takesWork: true, reason: 'preload of a: wrong digest' });
    expect(readiness({ preloads: [preload('a', 'failed', 'wrong digest'), preload('b', 'resident')] }).ready).toBe(true);
  });

  test('C-268 what waits for room holds nobody back, and makes a pool with nothing else unready', () => {
    expect(readiness({ preloads: [preload('a', 'waits', 'no room'), preload('b', 'resident')] }).ready).toBe(true);
    expect(readiness({ preloads: [preload('a', 'waits', 'no room')] })).toEqual({ ready: false, takesWork: true, reason: 'preload of a: no room' });
  });

  test('C-10 a pool that was ready stays so while other models load', () => {
    expect(readiness({ wasReady: true, preloads: [preload('a', 'coming')] }).ready).toBe(true);
  });

  test('C-21 a drained pool is not ready, whatever else', () => {
    expect(readiness({ wasReady: true, isDraining: true }).ready).toBe(false);
  });

  test('C-10 before the node knows its pools, none is ready', () => {
    expect(readiness({ isSettled: false, wasReady: true }).ready).toBe(false);
  });

  test('C-10 C-175 it waits for the first engine worker that is initialised; one that is taken by a load does not make it unready', () => {
    expect(readiness({ idle: { ready: 0, lastError: null } })).toEqual({ ready: false, takesWork: false, reason: 'an engine worker is being initialised on its device' });
    expect(readiness({ idle: { ready: 1, lastError: null } }).ready).toBe(true);
    expect(readiness({ idle: { ready: 0, lastError: null }, wasReady: true }).ready).toBe(true);
    expect(readiness({ idle: { ready: 0, lastError: null }, isServing: true }).ready).toBe(true);
    expect(readiness({ idle: { ready: 0, lastError: null }, wasUsable: true, preloads: [preload('a', 'coming')] })).toEqual({ ready: false, takesWork: true, reason: 'preloading a' });
  });

  test('C-175 where none can be initialised it says why and what comes next, also later, unless a replica serves', () => {
    const idle = { ready: 0, lastError: 'no driver' };
    const reason = 'no engine worker can be initialised on the device: no driver; it is tried again by itself, and node/workers.jsonl in the state directory has what the workers wrote';
    expect([readiness({ idle }), readiness({ idle, wasReady: true })]).toEqual([{ ready: false, takesWork: false, reason }, { ready: false, takesWork: false, reason }]);
    expect(readiness({ idle, isServing: true }).ready).toBe(true);
    expect(readiness({ idle: { ready: 1, lastError: 'no driver' } }).ready).toBe(true);
  });
});
