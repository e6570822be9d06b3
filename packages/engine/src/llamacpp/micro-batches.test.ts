import { describe, expect, test } from '@jest/globals';
import { countMicroBatches } from './micro-batches.js';

const decodes = (...sequences: number[]) => sequences.map((sequence) => ({ sequence, tokens: 1 }));

describe('countMicroBatches', () => {
  test.each([
    ['nothing', [], 0],
    ['ascending ids are one graph', decodes(0, 1, 2, 3, 4, 5, 6, 7), 1],
    ['a hole splits', decodes(0, 2, 3), 2],
    ['every other id is a graph of its own', decodes(0, 2, 4, 6), 4],
    ['out of order splits', decodes(3, 0, 1, 2), 2],
    ['descending ids are a graph each', decodes(3, 2, 1, 0), 4],
    ['a prompt beside decodes goes on in a second graph', [{ sequence: 0, tokens: 10 }, { sequence: 1, tokens: 1 }], 2],
    ['prompts of one length are one graph', [{ sequence: 0, tokens: 64 }, { sequence: 1, tokens: 64 }], 1],
    ['what is longer than a graph is cut', [{ sequence: 0, tokens: 1_000 }], 2],
  ])('C-124 %s', (_, batch, graphs) => {
    expect(countMicroBatches(batch, 512)).toBe(graphs);
  });
});
