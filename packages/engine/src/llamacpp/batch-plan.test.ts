import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planBatch, type QueuedTokens } from './batch-plan.js';

const item = (sequence: number, tokens: number): QueuedTokens => ({ evaluationPriority: sequence, tokens: Array.from({ length: tokens }) });
/** `sequence:tokens` of each share. */
const plan = (items: readonly QueuedTokens[], sizeTokens: number, promptTokens: number): string[] =>
  planBatch(items, { sizeTokens, promptTokens }).map(({ item: { evaluationPriority }, processAmount }) => `${evaluationPriority}:${processAmount}`);

describe('planBatch', () => {
  test('C-124 sequences are laid out in ascending order, whatever the order of the queue', () => {
    expect(plan([item(3, 1), item(0, 1), item(2, 1), item(1, 1)], 512, 128)).toEqual(['0:1', '1:1', '2:1', '3:1']);
  });

  test('C-162 a prompt is read alone, as much of it as a batch takes', () => {
    expect(plan([item(1, 100), item(0, 100), item(2, 1)], 512, 128)).toEqual(['1:100']);
    expect(plan([item(0, 1_000), item(1, 100)], 512, 128)).toEqual(['0:512']);
  });

  test('C-125 what would keep the decodes waiting for longer than the limit comes after them', () => {
    expect(plan([item(0, 129), item(2, 1), item(1, 1)], 512, 128)).toEqual(['1:1', '2:1']);
    expect(plan([item(0, 128), item(2, 1), item(1, 1)], 512, 128)).toEqual(['0:128']);
    expect(plan([item(0, 1), item(1, 20)], 512, 0)).toEqual(['0:1']);
  });

  test('C-125 where nobody decodes the limit is none', () => {
    expect(plan([item(0, 129)], 512, 0)).toEqual(['0:129']);
  });

  test('C-125 prompts are served in the order of the queue, so that a later one is not passed over by lower slots', () => {
    expect(plan([item(5, 100), item(0, 100), item(1, 1)], 512, 128)).toEqual(['5:100']);
  });

  test('C-124 C-125 C-162 one prompt or every decode, never more than fits, and something whenever anything is queued', () => {
    const queue = fc.uniqueArray(fc.record({ sequence: fc.nat(15), tokens: fc.integer({ min: 1, max: 600 }) }), { selector: ({ sequence }) => sequence, maxLength: 16 });
    fc.assert(
      fc.property(queue, fc.integer({ min: 16, max: 512 }), fc.integer({ min: 0, max: 512 }), (queued, size, left) => {
        const items = queued.map(({ sequence, tokens }) => item(sequence, tokens));
        const shares = planBatch(items, { sizeTokens: size, promptTokens: left });
        const ids = shares.map((share) => share.item.evaluationPriority);
        const decodes = items.filter(({ tokens }) => tokens.length === 1);
        expect(shares.reduce((sum, { processAmount }) => sum + processAmount, 0)).toBeLessThanOrEqual(size);
        expect(ids).toEqual(ids.toSorted((a, b) => a - b));
        expect(shares.some((share) => share.item.tokens.length > 1) ? shares.length === 1 : shares.length === decodes.length).toBe(true);
        expect(shares.every((share) => share.processAmount >= 1 && share.processAmount <= share.item.tokens.length)).toBe(true);
        expect(shares.length > 0).toBe(items.length > 0);
      }),
    );
  });
});
