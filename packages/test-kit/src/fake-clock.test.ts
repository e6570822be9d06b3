import { expect, test } from '@jest/globals';
import { FakeClock } from './fake-clock.js';

test('I-05 sleepers wake at their exact millisecond, in due order, and not before', async () => {
  const clock = new FakeClock(1_000);
  const woken: [string, number][] = [];
  const sleeper = (name: string, ms: number) => clock.sleep(ms).then(() => woken.push([name, clock.nowMs()]));
  void sleeper('b', 20);
  void sleeper('a', 10);
  void sleeper('c', 20);
  await clock.advance(9);
  expect(woken).toEqual([]);
  await clock.advance(11);
  expect(woken).toEqual([
    ['a', 1_010],
    ['b', 1_020],
    ['c', 1_020],
  ]);
  expect([clock.nowMs(), clock.monotonicMs(), clock.sleeping]).toEqual([1_020, 20, 0]);
});

test('I-05 what a sleeper starts when it wakes runs within the same advance', async () => {
  const clock = new FakeClock();
  const seen: number[] = [];
  const loop = async () => {
    for (let n = 0; n < 3; n += 1) {
      await clock.sleep(10);
      seen.push(clock.monotonicMs());
    }
  };
  void loop();
  await clock.advance(100);
  expect(seen).toEqual([10, 20, 30]);
});

test('I-05 an aborted sleep rejects with the reason and leaves nobody asleep', async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const reason = new Error('enough');
  const sleep = clock.sleep(10, stop.signal);
  expect(clock.nextWakeInMs).toBe(10);
  stop.abort(reason);
  await expect(sleep).rejects.toBe(reason);
  expect([clock.sleeping, clock.nextWakeInMs]).toEqual([0, undefined]);
  await expect(clock.sleep(10, stop.signal)).rejects.toBe(reason);
});
