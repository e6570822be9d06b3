import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { SMALL_FACTS } from '../test/an-entry.js';
import { contextCells, largestContext, requiredMemoryBytes } from './required-memory.js';

test('D-03 cells are whole blocks of 256 per slot', () => {
  expect([contextCells(1, 1), contextCells(256, 1), contextCells(257, 4), contextCells(0, 2)]).toEqual([256, 256, 2048, 512]);
});

test('D-03 required memory is weights, base and cells; a device kind without figures is unknown', () => {
  const replica = { context: 2000, slots: 4 } as const;
  expect(requiredMemoryBytes(SMALL_FACTS, { deviceKind: 'cpu', ...replica })).toBe(96_000_000 + 50_000_000 + 23_040 * 2048 * 4);
  expect(requiredMemoryBytes(SMALL_FACTS, { deviceKind: 'vulkan', context: 256, slots: 1 })).toBe(66_000_000 + 40_000_000 + 23_040.5 * 256);
  expect(requiredMemoryBytes(SMALL_FACTS, { deviceKind: 'cuda', ...replica })).toBeNull();
});

test('D-03 the largest context fills the memory, ends at the trained one, and is 0 when nothing fits', () => {
  const exactly = 146_000_000 + 23_040 * 512 * 4;
  expect(largestContext(SMALL_FACTS, { deviceKind: 'cpu', memoryBytes: exactly, slots: 4 })).toBe(512);
  expect(largestContext(SMALL_FACTS, { deviceKind: 'cpu', memoryBytes: exactly - 1, slots: 4 })).toBe(256);
  expect(largestContext(SMALL_FACTS, { deviceKind: 'cpu', memoryBytes: 146_000_000, slots: 1 })).toBe(0);
  expect(largestContext(SMALL_FACTS, { deviceKind: 'cpu', memoryBytes: 1e12, slots: 1 })).toBe(8192);
  expect(largestContext(SMALL_FACTS, { deviceKind: 'metal', memoryBytes: 1e12, slots: 1 })).toBeNull();
  const free = {
    ...SMALL_FACTS,
    memory: { cpu: { weightsBytes: { deviceBytes: 1, hostBytes: 0 }, contextMemory: { baseBytes: 1, perCellBytes: 0 } } },
  };
  expect(largestContext(free, { deviceKind: 'cpu', memoryBytes: 2, slots: 1 })).toBe(8192);
});

test('D-03 what largestContext allows fits, and one block more does not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), fc.integer({ min: 1, max: 64 }), (memoryBytes, slots) => {
      const context = largestContext(SMALL_FACTS, { deviceKind: 'cpu', memoryBytes, slots }) ?? Number.NaN;
      const needs = (tokens: number) => requiredMemoryBytes(SMALL_FACTS, { deviceKind: 'cpu', context: tokens, slots }) ?? Number.NaN;
      if (context > 0) expect(needs(context)).toBeLessThanOrEqual(memoryBytes);
      if (context < SMALL_FACTS.trainContext) expect(needs(context + 1)).toBeGreaterThan(memoryBytes);
    }),
  );
});
