import { expect, test } from '@jest/globals';
import { formatBytes, formatDuration, parseSize } from './sizes.js';

test('P-04 sizes have binary and decimal units, and nothing ambiguous', () => {
  const sizes = ['24GiB', '24 gib', '1.5KiB', '512', '10MB', '0B', '2TiB'].map(parseSize);
  expect(sizes).toEqual([25_769_803_776, 25_769_803_776, 1_536, 512, 10_000_000, 0, 2_199_023_255_552]);
  expect(['24G', 'GiB', '', '-1GiB', '1e3', '9999999TiB', '1 2GiB'].map(parseSize)).toEqual(Array(7).fill(undefined));
});

test('P-07 sizes and durations for people', () => {
  expect([0, 1_023, 1_024, 103_075_020, 25_769_803_776, 500 * 1_048_576].map(formatBytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '98.3 MiB',
    '24.0 GiB',
    '500 MiB',
  ]);
  expect([0, 350, 999.4, 2_000, 2_449, 59_949, 59_950, 200_000, 3_600_000, 7_500_000].map(formatDuration)).toEqual([
    '0 ms',
    '350 ms',
    '999 ms',
    '2 s',
    '2.4 s',
    '59.9 s',
    '1 min',
    '3 min 20 s',
    '1 h',
    '2 h 5 min',
  ]);
});
