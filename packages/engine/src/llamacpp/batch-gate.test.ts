import { describe, expect, test } from '@jest/globals';
import { FakeClock } from '@corral/test-kit';
import { BatchGate } from './batch-gate.js';
import type { QueuedTokens } from './batch-plan.js';

const decode = (sequence: number): QueuedTokens => ({ evaluationPriority: sequence, tokens: [0] });
const part = (sequence: number, tokens: number): QueuedTokens => ({ evaluationPriority: sequence, tokens: Array.from({ length: tokens }) });
const gateOf = (active: number, clock = new FakeClock()): BatchGate => {
  const gate = new BatchGate(4, 128, clock);
  for (let n = 0; n < active; n += 1) gate.join();
  return gate;
};

describe('BatchGate', () => {
  test('C-124 a batch waits until every active sequence has queued', () => {
    const gate = gateOf(2);
    expect(gate.strategy({ items: [decode(0)], size: 512 })).toEqual([]);
    expect(gate.strategy({ items: [decode(0), decode(1)], size: 512 }).length).toBe(2);
  });

  test('C-124 but not for ever: who does not come misses the batch', () => {
    const gate = gateOf(2);
    const turns = Array.from({ length: 65 }, () => gate.strategy({ items: [decode(0)], size: 512 }).length);
    expect([turns.indexOf(1), turns.filter((shares) => shares === 1).length]).toEqual([64, 1]);
  });

  test('C-131 who rests is not waited for', () => {
    const gate = gateOf(2);
    gate.leave();
    expect(gate.strategy({ items: [decode(0)], size: 512 }).length).toBe(1);
  });

  test('C-124 steps, sequences per step and graphs are counted', () => {
    const gate = gateOf(3);
    gate.strategy({ items: [decode(2), decode(0), decode(1)], size: 512 });
    gate.strategy({ items: [decode(0), decode(1), part(2, 3)], size: 512 });
    gate.leave();
    gate.strategy({ items: [decode(0), decode(2)], size: 512 });
    expect(gate.stats()).toEqual({ decode_steps: 2, sequences_per_step: [0, 0, 1, 1, 0], decode_micro_batches: 3, decoded_tokens: 5 });
  });

  test('C-125 between two decode steps at most one chunk of prompts is read', () => {
    const gate = gateOf(1);
    const queue = [decode(0), part(1, 50), part(2, 78), part(3, 128)];
    const turn = (items: readonly QueuedTokens[]): string => gate.strategy({ items, size: 512 }).map(({ item }) => `${item.evaluationPriority}:${item.tokens.length}`).join(' ');
    const [, second, third, fourth] = [queue, queue.slice(0, 1).concat(queue.slice(2)), [decode(0), part(3, 128)], [decode(0)]];
    expect([turn(queue), turn(second), turn(third), turn(third), turn(fourth)]).toEqual(['1:50', '2:78', '0:1', '3:128', '0:1']);
  });

  test('C-126 what needs the context for itself runs alone, one after the other', async () => {
    const gate = gateOf(0);
    const order: string[] = [];
    const task = (name: string) => async (): Promise<void> => {
      order.push(`${name} begins`);
      await Promise.resolve();
      order.push(`${name} ends`);
    };
    const both = Promise.all([gate.exclusively(task('a')), gate.exclusively(task('b'))]);
    expect(gate.closed).not.toBe(null);
    await both;
    expect([order, gate.closed]).toEqual([['a begins', 'a ends', 'b begins', 'b ends'], null]);
  });

  test('C-126 a task that fails opens the gate again', async () => {
    const gate = gateOf(0);
    await expect(gate.exclusively(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(gate.closed).toBe(null);
  });

  test('C-137 a batch that does not end is seen, idleness is not', async () => {
    const clock = new FakeClock();
    const gate = gateOf(0, clock);
    await clock.advance(1_000);
    expect(gate.stalledMs()).toBe(0);
    gate.join();
    await clock.advance(50);
    gate.strategy({ items: [decode(0)], size: 512 });
    await clock.advance(70);
    expect(gate.stalledMs()).toBe(70);
    gate.leave();
    expect(gate.stalledMs()).toBe(0);
  });
});
