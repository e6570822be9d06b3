import { expect, test } from '@jest/globals';
import { unreachable } from '../api/api-failure.js';
import type { ApiResult } from '../api/api-client.js';
import { Deeds } from './deeds.js';

test('U-06 a deed is asked once at a time, and its failure stays until it is dismissed or tried again', async () => {
  const told: unknown[] = [];
  const deeds: Deeds = new Deeds(() => told.push(deeds.of('load a')));
  let answer: (result: ApiResult<unknown>) => void = () => {};
  const first = deeds.do('load a', () => new Promise((resolve) => (answer = resolve)));
  expect(await deeds.do('load a', () => Promise.reject(new Error('asked twice')))).toBe(false);
  answer({ ok: false, failure: unreachable('down') });
  expect(await first).toBe(false);
  deeds.forget('load a');
  expect(await deeds.do('load a', () => Promise.resolve({ ok: true, value: null }))).toBe(true);
  expect(told).toEqual([{ state: 'asked' }, { state: 'failed', failure: unreachable('down') }, null, { state: 'asked' }, { state: 'accepted' }]);
});

test('U-06 no more than 64 subjects are remembered, the oldest go', async () => {
  const deeds = new Deeds(() => {});
  for (let n = 0; n < 70; n += 1) await deeds.do(`load ${n}`, () => Promise.resolve({ ok: true, value: null }));
  expect([deeds.of('load 5'), deeds.of('load 6')]).toEqual([null, { state: 'accepted' }]);
});
