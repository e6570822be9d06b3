import { describe, expect, test } from '@jest/globals';
import { aWanted, KILLED, POLICY, REFUSED } from '../../test/a-replica.js';
import { newReplica } from './new-replica.js';
import { RestartBook } from './restart-book.js';
import { afterFailure, afterReady, afterStable, afterStart, NO_FAILURES } from './restart-record.js';
import type { RestartRecord } from './restart-record.js';
import { restartStory } from './restart-story.js';

const fail = (record: RestartRecord, nowMs: number, random = 0.5, failure = KILLED) => afterFailure(record, failure, { nowMs, random }, POLICY);

/** Fails as soon as it is started, time and again. Returns each wait, and the record after the last. */
function crashes(count: number, policy = POLICY) {
  const waits: number[] = [];
  let record = NO_FAILURES;
  for (let nowMs = 0, n = 0; n < count; n += 1) {
    const failed = afterFailure(record, KILLED, { nowMs, random: 0.5 }, policy);
    waits.push(failed.retryAtMs - nowMs);
    nowMs = failed.retryAtMs;
    record = afterStart(failed.record, nowMs, policy);
  }
  return { waits, record };
}

describe('backoff', () => {
  test('C-51 waits double from one second to one minute, with a tenth of jitter either way', () => {
    expect(crashes(9, { ...POLICY, breakerThreshold: 99, restartsMax: 99 }).waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect([fail(NO_FAILURES, 0, 0).retryAtMs, fail(NO_FAILURES, 0, 1).retryAtMs]).toEqual([900, 1_100]);
  });

  test('C-51 after a fault of the device the wait is twice as long, and still at most a minute', () => {
    const device = { ...KILLED, reason: 'device' } as const;
    expect(fail(NO_FAILURES, 0, 0.5, device).retryAtMs).toBe(2_000);
    expect(fail({ ...NO_FAILURES, backoffStep: 20 }, 0, 0.5, device).retryAtMs).toBe(60_000);
  });

  test('C-51 five minutes of readiness begin with the first wait again; less does not', () => {
    const ready = afterReady({ ...NO_FAILURES, failures: 3, backoffStep: 3, last: KILLED, failedAtMs: 0 }, 1_000);
    expect([fail(ready, 300_999).retryAtMs - 300_999, fail(ready, 301_000).retryAtMs - 301_000]).toEqual([8_000, 1_000]);
  });

  test('C-51 what failed long ago counts no more, though the model was never loaded for long', () => {
    const record = { ...NO_FAILURES, failures: 4, backoffStep: 4, last: KILLED, failedAtMs: 0 };
    expect([fail(record, 599_999).record.breaker.state, fail(record, 600_000).record.breaker.state]).toEqual(['open', 'closed']);
  });
});

describe('breaker', () => {
  test('C-52 five failures in a row open it for five minutes', () => {
    const { waits, record } = crashes(5);
    expect([waits, record.breaker]).toEqual([[1_000, 2_000, 4_000, 8_000, 300_000], { state: 'half_open', openMs: 300_000 }]);
  });

  test('C-52 the one trial that fails opens it for twice as long, up to the limit', () => {
    expect(crashes(11).waits.slice(4)).toEqual([300_000, 600_000, 1_200_000, 2_400_000, 3_600_000, 3_600_000, 3_600_000]);
  });

  test('C-52 a minute of readiness closes it, and ends a row of failures', () => {
    const trial = afterReady(crashes(5).record, 1_000_000);
    expect([afterStable(trial, 1_059_999, POLICY).breaker.state, afterStable(trial, 1_060_000, POLICY)]).toEqual(['half_open', { ...trial, failures: 0, breaker: { state: 'closed' } }]);
    expect(fail(trial, 1_059_999).record.breaker).toMatchObject({ state: 'open', openMs: 600_000, cause: 'trial' });
    expect(fail(trial, 1_060_000).record).toMatchObject({ failures: 1, breaker: { state: 'closed' } });
  });

  test('C-53 ten restarts within a minute open it although each ran well meanwhile', () => {
    const policy = { ...POLICY, breakerThreshold: 99, backoffMaxMs: 1_000 };
    const { waits, record } = crashes(11, policy);
    expect(waits).toEqual([...Array<number>(10).fill(1_000), 300_000]);
    expect(record.restarts).toBe(11);
    expect(crashes(40, { ...policy, restartWindowMs: 9_000 }).waits).toEqual(Array(40).fill(1_000));
  });

  test('C-53 ten minutes of readiness forget everything', () => {
    const ready = afterReady({ ...crashes(5).record, breaker: { state: 'closed' } }, 0);
    expect([afterStable(ready, 599_999, POLICY).restarts, afterStable(ready, 600_000, POLICY)]).toEqual([5, { ...NO_FAILURES, readySinceMs: 0 }]);
  });

  test('C-53 the first start of a model is no restart', () => {
    expect(afterStart(NO_FAILURES, 5, POLICY)).toEqual(NO_FAILURES);
  });
});

describe('a replica that comes back after its predecessor went', () => {
  const born = (restart: RestartRecord, nowMs: number) => newReplica(aWanted('a'), { replicaId: 'a', threads: 1, nowMs, restart });

  test('C-52 it begins where that one failed while the breaker is open, and says how to reset it', () => {
    const { record } = fail({ ...NO_FAILURES, failures: 4, backoffStep: 4, last: KILLED, failedAtMs: 0 }, 100);
    const book = new RestartBook();
    book.keep({ ...born(NO_FAILURES, 0), restart: record });
    const again = born(book.get(born(NO_FAILURES, 0).key), 200);
    expect(again).toMatchObject({ phase: { state: 'failed', failure: KILLED, retryAtMs: 300_100 } });
    expect(restartStory(again)).toBe('somebody killed it; it failed 5 times in a row, so pool p1 leaves it alone for 5 min; corral reset p1 tries at once');
    expect(born(record, 300_100).phase.state).toBe('waiting');
  });

  test('C-52 while the breaker is closed it is tried at once, and its failures go on counting', () => {
    const { record } = fail(NO_FAILURES, 100, 0.5, REFUSED);
    expect(born(record, 200)).toMatchObject({ phase: { state: 'waiting' }, restart: { failures: 1 } });
  });

});
