import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planBatch, type QueuedTokens } from './batch-plan.js';

const item = (sequence: number, tokens: number): QueuedTokens => ({ evaluationPriority: sequence, tokens: Array.from({ length: tokens }) });
/** `sequence:tokens` of each share. */
const plan = (items: readonly QueuedTokens[], size: number, cap: number): string[] =>
  planBatch(items, size, cap).map(({ item: { evaluationPriority }, processAmount }) => `${evaluationPriority}:${processAmount}`);

describe('planBatch', () => {
  test('C-124 sequences are laid out in ascending order, whatever the order of the queue', () => {
    expect(plan([item(3, 1), item(0, 1), item(2, 1), item(1, 1)], 512, 128)).toEqual(['0:1', '1:1', '2:1', '3:1']);
  });

  test('C-125 a long prompt leaves every decode its place', () => {
    expect(plan([item(0, 1_000), item(1, 1), item(2, 1)], 8, 128)).toEqual(['0:6', '1:1', '2:1']);
  });

  test('C-125 beside a decode prompts get at most the cap, alone the whole batch', () => {
    expect(plan([item(0, 1_000), item(1, 1)], 512, 128)).toEqual(['0:128', '1:1']);
    expect(plan([item(0, 1_000)], 512, 128)).toEqual(['0:512']);
  });

  test('C-125 prompts are served in the order of the queue, so that a later one is not passed over by lower slots', () => {
    expect(plan([item(5, 100), item(0, 100), item(1, 1)], 512, 128)).toEqual(['0:28', '1:1', '5:100']);
    expect(plan([item(5, 200), item(0, 100), item(1, 1)], 512, 128)).toEqual(['1:1', '5:128']);
  });

  test('C-124 C-125 never more than fits, every decode, ascending, and something whenever anything is queued', () => {
    const queue = fc.uniqueArray(fc.record({ sequence: fc.nat(15), tokens: fc.integer({ min: 1, max: 600 }) }), { selector: ({ sequence }) => sequence, maxLength: 16 });
    fc.assert(
      fc.property(queue, fc.integer({ min: 16, max: 512 }), fc.integer({ min: 1, max: 512 }), (queued, size, cap) => {
        const items = queued.map(({ sequence, tokens }) => item(sequence, tokens));
        const shares = planBatch(items, size, cap);
        const ids = shares.map((share) => share.item.evaluationPriority);
        expect(shares.reduce((sum, { processAmount }) => sum + processAmount, 0)).toBeLessThanOrEqual(size);
        expect(ids).toEqual(ids.toSorted((a, b) => a - b));
        expect(items.filter(({ tokens }) => tokens.length === 1).every((decode) => shares.some((share) => share.item === decode && share.processAmount === 1))).toBe(true);
        expect(shares.every((share) => share.processAmount >= 1 && share.processAmount <= share.item.tokens.length)).toBe(true);
        expect(shares.length > 0).toBe(items.length > 0);
      }),
    );
  });
});
