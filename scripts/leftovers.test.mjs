import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { leftovers } from './leftovers.mjs';

test('I-24 a process that outlives the tests is named and ended, one without the marker is left alone', async () => {
  const start = (marker) => spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60_000)'], { env: { TEST_RUN_MARKER: marker }, stdio: 'ignore' });
  const ours = start('marker-of-this-run');
  const other = start('marker-of-another-run');
  await Promise.all([once(ours, 'spawn'), once(other, 'spawn')]);
  const ended = once(ours, 'exit');
  expect(await leftovers('marker-of-this-run', 300)).toEqual([`${ours.pid} ${process.execPath} -e setTimeout(() => {}, 60_000)`]);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(other.exitCode).toBeNull();
  other.kill('SIGKILL');
  await once(other, 'exit');
});

test('I-24 nothing is waited for when nothing is left', async () => {
  const started = performance.now();
  expect(await leftovers('marker-of-nobody')).toEqual([]);
  expect(performance.now() - started).toBeLessThan(4_000);
});
