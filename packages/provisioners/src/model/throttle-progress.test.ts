import { expect, test } from '@jest/globals';
import type { Clock } from '@corral/service-kit';
import type { ProvisionProgress } from './fetcher.js';
import { throttleProgress } from './throttle-progress.js';

test('D-21 the first and the last report of a phase pass, those in between at most ten a second', () => {
  let nowMs = 0;
  const clock: Clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, sleep: () => Promise.reject(new Error('not used')) };
  const passed: string[] = [];
  const report = throttleProgress(({ phase, bytes }: ProvisionProgress) => passed.push(`${phase} ${bytes} at ${nowMs}`), clock);
  for (nowMs = 0; nowMs <= 210; nowMs += 30) report({ phase: 'downloading', source: 'a', bytes: nowMs, totalBytes: 300 });
  report({ phase: 'downloading', source: 'a', bytes: 300, totalBytes: 300 });
  report({ phase: 'verifying', source: 'a', bytes: 0, totalBytes: null });
  report({ phase: 'verifying', source: 'b', bytes: 0, totalBytes: null });
  expect(passed).toEqual([
    'downloading 0 at 0',
    'downloading 120 at 120',
    'downloading 300 at 240',
    'verifying 0 at 240',
    'verifying 0 at 240',
  ]);
});
