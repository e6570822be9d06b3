import { describe, expect, test } from '@jest/globals';
import { aGenerateRequest, FakeClock } from '@corral/test-kit';
import { AnswerWatch } from './answer-watch.js';

const deadlines = { first_token_ms: 10_000, token_gap_ms: 1_000, wall_ms: 60_000 };
const aWatch = (stream = true) => {
  const clock = new FakeClock();
  return { clock, watch: new AnswerWatch(clock, 500, aGenerateRequest({ deadlines, output: { stream } })) };
};

describe('the eye on a running answer', () => {
  test('A-82 the gap counts from the first token on, however long that one might have taken', async () => {
    const { clock, watch } = aWatch();
    await clock.advance(1_000);
    watch.onBytes();
    await clock.advance(1_499);
    expect(watch.expired).toBe(null);
    await clock.advance(1);
    expect(watch.expired).toMatchObject({ code: 'DECODE_TIMEOUT' });
  });

  test('A-82 while the reader is behind, no gap counts', async () => {
    const { clock, watch } = aWatch();
    watch.onBytes();
    watch.pause(true);
    await clock.advance(20_000);
    expect(watch.expired).toBe(null);
    watch.pause(false);
    await clock.advance(4_000);
    expect(watch.expired).toMatchObject({ code: 'DECODE_TIMEOUT' });
  });

  test('A-82 the wall ends an answer that never stops', async () => {
    const { clock, watch } = aWatch();
    for (let n = 0; n < 61; n += 1) {
      watch.onBytes();
      await clock.advance(1_000);
    }
    expect([watch.signal.aborted, watch.expired?.message]).toEqual([true, 'the end of the answer did not come within 60000 ms; send the request again']);
  });

  test('A-82 of an answer in one piece only the wall can be seen', async () => {
    const { clock, watch } = aWatch(false);
    await clock.advance(60_499);
    expect(watch.expired).toBe(null);
    await clock.advance(1);
    expect(watch.expired).toMatchObject({ code: 'DECODE_TIMEOUT' });
  });

  test('A-82 an answer that has ended leaves no timer', async () => {
    const { clock, watch } = aWatch();
    watch.end();
    await clock.advance(100_000);
    expect(watch.expired).toBe(null);
  });
});
