import { expect, test } from '@jest/globals';
import { FakeClock } from '@corral/test-kit';
import { DownloadPace } from './download-pace.js';

test('C-226 only the download counts: neither the search before it nor the hash after it, and a source that begins anew begins anew', async () => {
  const clock = new FakeClock();
  const pace = new DownloadPace(clock);
  const saw = (phase: 'locating' | 'downloading' | 'verifying', bytes: number): void => pace.saw({ phase, bytes, totalBytes: 1_000 });
  saw('locating', 0);
  await clock.advance(1_000);
  expect([pace.bytes, pace.durationMs]).toEqual([0, 0]);
  saw('downloading', 600);
  await clock.advance(1_000);
  saw('downloading', 100);
  await clock.advance(500);
  saw('downloading', 1_000);
  await clock.advance(9_000);
  saw('verifying', 1_000);
  expect([pace.bytes, pace.durationMs]).toEqual([900, 500]);
});
