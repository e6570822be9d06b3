import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@corral/test-kit';
import { createProgressReporter } from './progress-reporter.js';
import { progressView } from './progress-view.js';

const MIB = 1_048_576;
const step = {
  id: 's',
  kind: 'model_fetch',
  group: 'm',
  description: '',
  estimated_ms: null,
  bytes_total: 100 * MIB,
  bytes_done: 12 * MIB,
  status: 'running',
} as const;

describe('what a metrics frame says about the wait', () => {
  test('J-07 the running step, with its bytes', () => {
    const warmup = { ...step, id: 'w', kind: 'pool_warmup', bytes_total: null, bytes_done: null, status: 'pending' } as const;
    expect(progressView({ prep: [warmup, step], waiting_for: 'x' })).toEqual({
      label: 'fetching m',
      doneBytes: 12 * MIB,
      totalBytes: 100 * MIB,
    });
    expect(progressView({ prep: [{ ...step, status: 'completed' }, warmup] })).toEqual({
      label: 'loading m',
      doneBytes: null,
      totalBytes: null,
    });
    expect(progressView({ prep: [{ ...warmup, description: 'load m on cpu' }] })?.label).toBe('next: load m on cpu');
  });

  test('J-07 else the reason of the wait, else the place in the queue, else nothing', () => {
    expect(progressView({ waiting_for: 'm is in use', queue_position: 2 })?.label).toBe('m is in use');
    expect(progressView({ queue_position: 2 })?.label).toBe('waiting in the queue, 2 before it');
    expect([progressView({ queue_position: 0 }), progressView({})]).toEqual([undefined, undefined]);
  });
});

function reporting(isTerminal: boolean, columns?: number) {
  const written: string[] = [];
  const clock = new FakeClock();
  return { written, clock, progress: createProgressReporter({ write: (text) => void written.push(text), isTerminal, columns }, clock) };
}
const bytes = (mib: number) => ({ label: 'fetching m', doneBytes: mib * MIB, totalBytes: 100 * MIB });

describe('progress in lines', () => {
  test('a new label at once, the same one every ten percent or five seconds', async () => {
    const { written, clock, progress } = reporting(false);
    progress.show(bytes(0));
    progress.show(bytes(9));
    progress.show(bytes(10));
    progress.show(bytes(11));
    await clock.advance(5_000);
    progress.show(bytes(12));
    progress.show({ label: 'loading m', doneBytes: null, totalBytes: null });
    progress.show({ label: 'loading m', doneBytes: null, totalBytes: null });
    progress.note('a note');
    progress.clear();
    expect(written).toEqual([
      'fetching m: 0 B of 100 MiB (0 %)\n',
      'fetching m: 10.0 MiB of 100 MiB (10 %)\n',
      'fetching m: 12.0 MiB of 100 MiB (12 %)\n',
      'loading m\n',
      'a note\n',
    ]);
  });
});

describe('progress on a terminal', () => {
  const WIPE = '\r\u001B[2K';

  test('one bar that is written over, and taken away', () => {
    const { written, progress } = reporting(true);
    progress.show(bytes(50));
    progress.show(bytes(50));
    progress.clear();
    progress.clear();
    expect(written).toEqual([`${WIPE}${'█'.repeat(12)}${'░'.repeat(12)}  50 %  50.0 MiB / 100 MiB  fetching m`, WIPE]);
  });

  test('a note stays above it', () => {
    const { written, progress } = reporting(true);
    progress.show({ label: 'loading m', doneBytes: null, totalBytes: null });
    progress.note('a note');
    expect(written.join('')).toBe(`${WIPE}loading m${WIPE}a note\n${WIPE}loading m`);
  });

  test('it never wraps', () => {
    const { written, progress } = reporting(true, 30);
    progress.show({ label: 'x'.repeat(100), doneBytes: null, totalBytes: null });
    expect(written).toEqual([`${WIPE}${'x'.repeat(29)}`]);
  });
});
