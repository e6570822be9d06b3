import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { KILLED, POLICY } from '../../test/a-replica.js';
import { afterFailure, afterReady, afterStable, afterStart, nextStableMs, NO_FAILURES } from './restart-record.js';

/** One life of a process: how long until it is ready (or `null`: never), how long it then runs, how early somebody starts it again. */
const life = fc.record({
  loadMs: fc.option(fc.integer({ min: 0, max: 30_000 })),
  runMs: fc.integer({ min: 0, max: 700_000 }),
  lateMs: fc.integer({ min: 0, max: 60_000 }),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});

test('C-51 C-52 C-53 whatever it does: no wait beyond its limits, never more restarts in the window than allowed, a bounded record', () => {
  fc.assert(
    fc.property(fc.array(life, { maxLength: 60 }), (lives) => {
      let record = NO_FAILURES;
      let nowMs = 0;
      const starts: number[] = [];
      for (const { loadMs, runMs, lateMs, random } of lives) {
        record = afterStart(record, nowMs, POLICY);
        if (record.last !== null) starts.push(nowMs);
        const wasTrial = record.breaker.state === 'half_open';
        expect(record.breaker.state).not.toBe('open');
        if (loadMs !== null) record = afterReady(record, (nowMs += loadMs));
        nowMs += runMs;
        const { readySinceMs } = record;
        const failed = afterFailure(record, KILLED, { nowMs, random }, POLICY);
        const waitMs = failed.retryAtMs - nowMs;
        record = failed.record;
        if (record.breaker.state === 'open') expect([waitMs >= POLICY.breakerOpenMs, waitMs <= POLICY.breakerOpenMaxMs]).toEqual([true, true]);
        else expect([waitMs >= 0.9 * POLICY.backoffInitialMs, waitMs <= 1.1 * POLICY.backoffMaxMs]).toEqual([true, true]);
        const wasStable = readySinceMs !== null && nowMs - readySinceMs >= POLICY.breakerCloseMs;
        const isForgotten = record.failures === 1 && record.restarts === 0;
        if (wasTrial && !wasStable && !isForgotten) expect(record.breaker.state).toBe('open');
        expect(record.restartedAtMs.length).toBeLessThanOrEqual(POLICY.restartsMax);
        nowMs = failed.retryAtMs + lateMs;
      }
      for (const atMs of starts) expect(starts.filter((other) => other > atMs - POLICY.restartWindowMs && other <= atMs).length).toBeLessThanOrEqual(POLICY.restartsMax + 1);
    }),
    { numRuns: 500 },
  );
});

test('C-52 staying ready ends by having nothing more to make good', () => {
  fc.assert(
    fc.property(fc.array(life, { minLength: 1, maxLength: 20 }), (lives) => {
      let record = NO_FAILURES;
      let nowMs = 0;
      for (const { random } of lives) {
        const failed = afterFailure(record, KILLED, { nowMs, random }, POLICY);
        nowMs = failed.retryAtMs;
        record = afterStart(failed.record, nowMs, POLICY);
      }
      record = afterReady(record, nowMs);
      const times: number[] = [];
      for (let due = nextStableMs(record, POLICY); due !== null; due = nextStableMs(record, POLICY)) {
        times.push(due - nowMs);
        record = afterStable(record, due, POLICY);
      }
      expect([times.at(-1), record]).toEqual([POLICY.restartResetMs, { ...NO_FAILURES, readySinceMs: nowMs }]);
    }),
  );
});
