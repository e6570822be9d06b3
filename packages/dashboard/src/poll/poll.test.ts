import { expect, test } from '@jest/globals';
import type { ApiResult } from '../api/api-client.js';
import { refusal, unreachable } from '../api/api-failure.js';
import { Poll } from './poll.js';
import type { Reading } from './reading.js';

/** A server whose answers the test gives, and a clock that the test moves. */
function rig() {
  const waiting: ((result: ApiResult<number>) => void)[] = [];
  const timers = new Map<number, { readonly atMs: number; readonly run: () => void }>();
  const seen: Reading<number>[] = [];
  let nowMs = 0;
  let made = 0;
  const poll = new Poll<number>({
    everyMs: 1_000,
    clock: {
      nowMs: () => nowMs,
      after: (ms, run) => {
        const id = (made += 1);
        timers.set(id, { atMs: nowMs + ms, run });
        return () => void timers.delete(id);
      },
    },
    ask: () => new Promise((resolve) => waiting.push(resolve)),
    onChange: (reading) => seen.push(reading),
  });
  return {
    poll,
    seen,
    waiting,
    timers,
    answer: async (result: ApiResult<number>) => {
      waiting.shift()?.(result);
      await new Promise(setImmediate);
    },
    pass: (ms: number) => {
      nowMs += ms;
      for (const [id, { atMs, run }] of [...timers]) {
        if (atMs > nowMs) continue;
        timers.delete(id);
        run();
      }
    },
  };
}

const is = (value: number): ApiResult<number> => ({ ok: true, value });
const down: ApiResult<number> = { ok: false, failure: unreachable('it is down') };

test('U-03 a try that fails leaves the last value and its time; the next answer takes the failure away', async () => {
  const { poll, seen, answer, pass } = rig();
  poll.start();
  await answer(is(1));
  pass(1_000);
  await answer(down);
  pass(1_000);
  await answer(is(2));
  expect(seen).toEqual([
    { value: 1, atMs: 0, failure: null },
    { value: 1, atMs: 0, failure: unreachable('it is down') },
    { value: 2, atMs: 2_000, failure: null },
  ]);
});

test('U-03 an answer that nothing can be made of is a failed try, and asking goes on', async () => {
  const asked: number[] = [];
  const rounds: (() => void)[] = [];
  const clock = { nowMs: () => 0, after: (_ms: number, run: () => void) => (rounds.push(run), () => {}) };
  const ask = (): Promise<ApiResult<number>> => (asked.push(1), asked.length === 1 ? Promise.reject(new TypeError('data is not iterable')) : Promise.resolve(is(2)));
  const poll = new Poll<number>({ everyMs: 1_000, clock, ask, onChange: () => {} });
  poll.start();
  await new Promise(setImmediate);
  expect(poll.reading.failure?.message).toMatch(/another version.*reload/);
  rounds[0]?.();
  await new Promise(setImmediate);
  expect([asked.length, poll.reading.value]).toEqual([2, 2]);
});

test('U-15 the next question waits for the answer and the interval, and a stopped poll asks nothing', async () => {
  const { poll, waiting, answer, pass } = rig();
  poll.start();
  pass(5_000);
  expect(waiting.length).toBe(1);
  await answer(is(1));
  pass(999);
  expect(waiting.length).toBe(0);
  pass(1);
  expect(waiting.length).toBe(1);
  await answer(is(2));
  poll.stop();
  pass(60_000);
  expect(waiting.length).toBe(0);
  poll.start();
  expect(waiting.length).toBe(1);
});

test('U-15 asked for now, an answer that was under way no longer counts', async () => {
  const { poll, seen, answer } = rig();
  poll.start();
  poll.askNow();
  await answer(is(1));
  expect(seen).toEqual([]);
  await answer(is(2));
  expect(seen.map(({ value }) => value)).toEqual([2]);
});

test.each([
  [401, 'MISSING_TOKEN', 'key_needed'],
  [401, 'BAD_TOKEN', 'key_refused'],
  [403, 'ROLE_REQUIRED', 'not_allowed'],
])('U-05 %d %s takes the numbers away and ends the asking until it is started again', async (status, code, kind) => {
  const { poll, seen, waiting, timers, answer, pass } = rig();
  poll.start();
  await answer(is(1));
  pass(1_000);
  await answer({ ok: false, failure: refusal(status, { code, message: 'no', retriable: false }, null) });
  expect([seen.at(-1)?.value, seen.at(-1)?.failure?.kind, timers.size]).toEqual([null, kind, 0]);
  poll.askNow();
  expect(waiting.length).toBe(0);
  poll.start();
  expect(waiting.length).toBe(1);
});

test('U-05 what was cleared does not come back with an answer that was under way', async () => {
  const { poll, answer } = rig();
  poll.start();
  poll.clear();
  poll.stop();
  await answer(is(7));
  expect(poll.reading).toEqual({ value: null, atMs: null, failure: null });
});
