import { describe, expect, test } from '@jest/globals';
import { fitContextMemory } from './fit-memory.js';

describe('fitContextMemory', () => {
  test('C-134 samples on a line give the line', () => {
    expect(fitContextMemory([1_024, 2_048, 16_384].map((cells) => ({ cells, bytes: 100 + 7 * cells })))).toEqual({ baseBytes: 100, perCellBytes: 7 });
  });

  test('C-134 no sample lies above the fit', () => {
    const samples = [{ cells: 100, bytes: 1_000 }, { cells: 200, bytes: 2_500 }, { cells: 400, bytes: 4_000 }];
    const { baseBytes, perCellBytes } = fitContextMemory(samples);
    expect(samples.every(({ cells, bytes }) => baseBytes + perCellBytes * cells >= bytes)).toBe(true);
    expect([baseBytes, perCellBytes]).toEqual([500, 10]);
  });

  test('C-134 one size says nothing about the slope', () => {
    expect([fitContextMemory([{ cells: 8, bytes: 3 }]), fitContextMemory([])]).toEqual([{ baseBytes: 3, perCellBytes: 0 }, { baseBytes: 0, perCellBytes: 0 }]);
  });
});
