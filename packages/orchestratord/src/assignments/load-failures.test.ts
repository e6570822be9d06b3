import { describe, expect, test } from '@jest/globals';
import { LoadFailures } from './load-failures.js';

const policy = { initialMs: 1_000, maxMs: 8_000, forgetAfterMs: 60_000 };

describe('LoadFailures', () => {
  test('J-02 waits grow to their limit; within one the model is not tried, after it it may be', () => {
    const failures = new LoadFailures(policy);
    const waits = [0, 1_000, 3_000, 7_000, 15_000].map((atMs) => failures.record('m', 'no', atMs).retryAtMs - atMs);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 8_000]);
    expect([failures.blocking('m', 22_999)?.failures, failures.blocking('m', 23_000), failures.get('m')?.message]).toEqual([5, undefined, 'no']);
  });

  test('J-02 a success, or a long quiet, starts the count anew', () => {
    const failures = new LoadFailures(policy);
    failures.record('m', 'no', 0);
    failures.clear('m');
    expect(failures.record('m', 'no', 10).failures).toBe(1);
    expect(failures.record('m', 'no', 60_009).failures).toBe(2);
    expect(failures.record('m', 'no', 120_009).failures).toBe(1);
  });

  test('J-02 the number of models is bounded; the oldest failure goes', () => {
    const failures = new LoadFailures(policy, 2);
    for (const key of ['a', 'b', 'a', 'c']) failures.record(key, 'no', 0);
    expect([failures.get('a') !== undefined, failures.get('b'), failures.get('c') !== undefined]).toEqual([true, undefined, true]);
  });
});
