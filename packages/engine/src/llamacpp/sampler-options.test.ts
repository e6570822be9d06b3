import { describe, expect, test } from '@jest/globals';
import { aGenerateRequest } from '@corral/test-kit';
import { samplerOptions } from './sampler-options.js';

const sampling = (change: Partial<ReturnType<typeof aGenerateRequest>['sampling']>) => aGenerateRequest({ sampling: change }).sampling;

describe('samplerOptions', () => {
  test('I-01 every value is passed, the seed always', () => {
    expect(samplerOptions(sampling({ temperature: 0.7, top_p: 0.9, top_k: 40, min_p: 0.05, seed: 0 }), [])).toEqual({ temperature: 0.7, topK: 40, topP: 0.9, minP: 0.05, seed: 0 });
  });

  test('I-01 the seed that llama.cpp takes for "random" is another one', () => {
    expect([0xffff_ffff, 0xffff_fffe].map((seed) => samplerOptions(sampling({ seed }), []).seed)).toEqual([0xffff_fffe, 0xffff_fffe]);
  });

  test('C-138 penalties look at the last 1,024 sampled tokens, as they are when asked', () => {
    const sampled: number[] = [];
    const { repeatPenalty } = samplerOptions(sampling({ repeat_penalty: 1.1, presence_penalty: 0.5, frequency_penalty: -0.5 }), sampled);
    sampled.push(...Array.from({ length: 2_000 }, (_, n) => n));
    expect({ ...repeatPenalty, punishTokens: repeatPenalty?.punishTokens() }).toEqual({
      punishTokens: Array.from({ length: 1_024 }, (_, n) => 976 + n),
      maxPunishTokens: 1_024,
      penalty: 1.1,
      presencePenalty: 0.5,
      frequencyPenalty: -0.5,
    });
  });
});
