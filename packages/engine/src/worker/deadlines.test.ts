import { describe, expect, test } from '@jest/globals';
import type { Deadlines } from '@corral/contracts';
import { FakeClock } from '@corral/test-kit';
import { DeadlineWatch } from './deadlines.js';

function watchWith(deadlines: Partial<Deadlines>): { clock: FakeClock; watch: DeadlineWatch; missed: string[] } {
  const clock = new FakeClock();
  const missed: string[] = [];
  const watch = new DeadlineWatch({ first_token_ms: null, token_gap_ms: null, wall_ms: null, ...deadlines }, clock, ({ code }) => missed.push(code));
  return { clock, watch, missed };
}

describe('DeadlineWatch', () => {
  test('C-130 the first token may come until its limit, and is missed at it', async () => {
    const { clock, missed } = watchWith({ first_token_ms: 500 });
    await clock.advance(499);
    expect(missed).toEqual([]);
    await clock.advance(1);
    expect(missed).toEqual(['FIRST_TOKEN_TIMEOUT']);
  });

  test('C-130 after the first token only the gap counts, from token to token', async () => {
    const { clock, watch, missed } = watchWith({ first_token_ms: 10_000, token_gap_ms: 100 });
    await clock.advance(5_000);
    for (let n = 0; n < 5; n += 1) {
      watch.tokenSeen();
      await clock.advance(99);
    }
    expect(missed).toEqual([]);
    await clock.advance(1);
    expect(missed).toEqual(['DECODE_TIMEOUT']);
  });

  test('C-130 the whole answer has a limit of its own', async () => {
    const { clock, watch, missed } = watchWith({ wall_ms: 1_000, token_gap_ms: 600 });
    watch.tokenSeen();
    await clock.advance(500);
    watch.tokenSeen();
    await clock.advance(499);
    expect(missed).toEqual([]);
    await clock.advance(1);
    expect(missed).toEqual(['DECODE_TIMEOUT']);
  });

  test('C-131 the time in which the client does not read is no gap between tokens', async () => {
    const { clock, watch, missed } = watchWith({ token_gap_ms: 100 });
    watch.tokenSeen();
    watch.rest(true);
    await clock.advance(1_000);
    watch.rest(false);
    await clock.advance(99);
    expect(missed).toEqual([]);
    await clock.advance(1);
    expect(missed).toEqual(['DECODE_TIMEOUT']);
  });

  test('C-130 nothing is missed after the end, and no timer is left', async () => {
    const { clock, watch, missed } = watchWith({ first_token_ms: 100, wall_ms: 200 });
    watch.close();
    await clock.advance(1_000);
    expect([missed, clock.sleeping]).toEqual([[], 0]);
  });
});
