import { expect, test } from '@jest/globals';
import { systemClock } from './clock.js';

test('P-19 a sleep ends after its time, or at once with the reason it was aborted for', async () => {
  const startedMs = systemClock.monotonicMs();
  await systemClock.sleep(15);
  expect(systemClock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(14);
  const stop = new AbortController();
  const reason = { why: 'enough' };
  const long = systemClock.sleep(60_000, stop.signal);
  stop.abort(reason);
  await expect(long).rejects.toBe(reason);
  await expect(systemClock.sleep(60_000, stop.signal)).rejects.toBe(reason);
});

test('P-19 a sleep longer than a timer can hold does not end at once', async () => {
  const stop = new AbortController();
  let woke = false;
  const sleep = systemClock.sleep(2 ** 40, stop.signal).then(
    () => (woke = true),
    () => {},
  );
  await systemClock.sleep(20);
  expect(woke).toBe(false);
  stop.abort();
  await sleep;
});
