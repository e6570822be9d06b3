import { expect, test } from '@jest/globals';
import { SMALL_FACTS } from '../test/an-entry.js';
import { noteMeasured } from './note-measured.js';
import { requiredMemoryBytes } from './required-memory.js';

const taken = { context: 2_048, slots: 4, weightsBytes: 100_000_000, contextBytes: 200_000_000 };

test('D-60 what a shape took counts before the estimate; of another shape the weights do', () => {
  const facts = noteMeasured(SMALL_FACTS, 'cpu', taken);
  const need = (context: number, slots: number): number | null => requiredMemoryBytes(facts, { deviceKind: 'cpu', context, slots });
  expect(need(2_048, 4)).toBe(300_000_000);
  expect(need(256, 1)).toBe(100_000_000 + 50_000_000 + 23_040 * 256);
  expect(requiredMemoryBytes(facts, { deviceKind: 'vulkan', context: 2_048, slots: 4 })).toBe(requiredMemoryBytes(SMALL_FACTS, { deviceKind: 'vulkan', context: 2_048, slots: 4 }));
});

test('D-60 the latest figure of a shape replaces the one before, and what is known already changes nothing', () => {
  const facts = noteMeasured(SMALL_FACTS, 'cpu', taken);
  expect(noteMeasured(facts, 'cpu', { ...taken })).toBe(facts);
  const later = { ...taken, contextBytes: 210_000_000 };
  expect(noteMeasured(facts, 'cpu', later).memory.cpu?.measured).toEqual([later]);
});

test('D-60 a device kind without figures stays without; sixteen shapes are remembered', () => {
  expect(noteMeasured(SMALL_FACTS, 'cuda', taken)).toBe(SMALL_FACTS);
  const facts = Array.from({ length: 20 }, (_, n) => n + 1).reduce((before, slots) => noteMeasured(before, 'cpu', { ...taken, slots }), SMALL_FACTS);
  expect(facts.memory.cpu?.measured?.map(({ slots }) => slots)).toEqual(Array.from({ length: 16 }, (_, n) => n + 5));
});
