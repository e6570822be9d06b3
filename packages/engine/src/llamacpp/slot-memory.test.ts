import { describe, expect, test } from '@jest/globals';
import { SlotMemory } from './slot-memory.js';

const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, n) => from + n);
const prompt = (tokens: readonly number[], scope = 'acme') => ({ tokens, scope });
const holding = (tokens: number, { chunk = 64, window = Number.POSITIVE_INFINITY } = {}): SlotMemory => {
  const memory = new SlotMemory(chunk, window);
  memory.keep(prompt(numbers(tokens)), tokens);
  return memory;
};

describe('SlotMemory', () => {
  test('C-161 whole chunks are held, the rest of the prompt is not', () => {
    expect(holding(200).prefixOf(prompt(numbers(400)))).toEqual({ reusableTokens: 192, heldTokens: 192 });
  });

  test('C-161 what can be spared ends at the last whole chunk that both begin with', () => {
    const memory = holding(256);
    const spared = (common: number) => memory.prefixOf(prompt([...numbers(common), ...numbers(300, 9_000)])).reusableTokens;
    expect([spared(0), spared(63), spared(64), spared(130), spared(256)]).toEqual([0, 0, 64, 128, 256]);
  });

  test('C-161 the last token of a prompt is always evaluated', () => {
    const memory = holding(256);
    expect([128, 129, 256].map((length) => memory.prefixOf(prompt(numbers(length))).reusableTokens)).toEqual([64, 128, 192]);
  });

  test('C-163 what one scope left is nothing to another', () => {
    expect(holding(256).prefixOf(prompt(numbers(256), 'other'))).toEqual({ reusableTokens: 0, heldTokens: 256 });
  });

  test('C-160 a few tokens are not worth a slot', () => {
    const memory = holding(256, { chunk: 8 });
    expect([31, 40].map((common) => memory.prefixOf(prompt([...numbers(common), 9_000, 9_000])).reusableTokens)).toEqual([0, 40]);
  });

  test('C-161 a slot that held more than its window counts as empty, until it begins anew', () => {
    const memory = holding(256, { window: 300 });
    memory.grownTo(300);
    expect(memory.prefixOf(prompt(numbers(400))).heldTokens).toBe(256);
    memory.grownTo(301);
    expect(memory.prefixOf(prompt(numbers(400)))).toEqual({ reusableTokens: 0, heldTokens: 0 });
    expect(holding(64, { window: 0 }).prefixOf(prompt(numbers(400)))).toEqual({ reusableTokens: 0, heldTokens: 0 });
  });
});
