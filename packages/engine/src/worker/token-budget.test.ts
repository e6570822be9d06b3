import { describe, expect, test } from '@jest/globals';
import { tokenBudget } from './token-budget.js';

describe('tokenBudget', () => {
  const request = { promptTokens: 100, maxTokens: null, overflow: 'refuse', contextTokens: 128 } as const;

  test.each([
    [{}, 28],
    [{ maxTokens: 5 }, 5],
    [{ maxTokens: 28 }, 28],
    [{ maxTokens: 29, overflow: 'truncate' as const }, 28],
    [{ promptTokens: 127 }, 1],
  ])('C-127 prompt and answer fill the context and no more: %j', (change, tokens) => {
    expect(tokenBudget({ ...request, ...change })).toBe(tokens);
  });

  test('C-127 max_tokens beyond the rest is refused with the numbers', () => {
    expect(() => tokenBudget({ ...request, maxTokens: 29 })).toThrow(expect.objectContaining({ code: 'CONTEXT_LENGTH_EXCEEDED', message: expect.stringMatching(/29.*100.*128.*at most 28/) }));
  });

  test.each(['refuse', 'truncate'] as const)('C-127 a prompt as long as the context is refused whatever overflow says: %s', (overflow) => {
    expect(() => tokenBudget({ ...request, promptTokens: 128, overflow })).toThrow(expect.objectContaining({ code: 'CONTEXT_LENGTH_EXCEEDED' }));
  });
});
