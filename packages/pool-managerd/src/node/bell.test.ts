import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@corral/test-kit';
import { settled } from '../../test/settled.js';
import { Bell } from './bell.js';

function setUp() {
  const clock = new FakeClock();
  const bell = new Bell(clock);
  const stop = new AbortController();
  const ends: string[] = [];
  const wait = (ms: number) => void bell.wait(ms, stop.signal).then(() => ends.push('woke'), (reason: Error) => ends.push(reason.message));
  return { clock, bell, stop, ends, wait };
}

describe('Bell', () => {
  test('P-13 a ring ends the sleep; one while nobody sleeps ends the next at once, and only that', async () => {
    const { clock, bell, ends, wait } = setUp();
    wait(1_000);
    bell.ring();
    await settled();
    expect(ends).toEqual(['woke']);
    bell.ring();
    bell.ring();
    wait(1_000);
    wait(1_000);
    await settled();
    expect(ends).toEqual(['woke', 'woke']);
    await clock.advance(1_000);
    expect(ends).toEqual(['woke', 'woke', 'woke']);
  });

  test('P-15 a stop ends the sleep with its reason, and leaves no timer', async () => {
    const { clock, stop, ends, wait } = setUp();
    wait(1_000);
    stop.abort(new Error('the daemon stops'));
    await settled();
    wait(1_000);
    await settled();
    expect([ends, clock.sleeping]).toEqual([['the daemon stops', 'the daemon stops'], 0]);
  });
});
