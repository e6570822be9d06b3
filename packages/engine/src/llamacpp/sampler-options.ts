import type { Sampling } from '@corral/contracts';

/** Sampled tokens that the penalties look back at. The prompt is not counted, as with OpenAI. */
const PENALTY_WINDOW_TOKENS = 1_024;

/** llama.cpp reads this seed as "choose one at random". */
const RANDOM_SEED = 0xffff_ffff;

export interface SamplerOptions<Token> {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly seed: number;
  readonly repeatPenalty?: {
    readonly punishTokens: () => Token[];
    readonly maxPunishTokens: number;
    readonly penalty: number;
    readonly frequencyPenalty: number;
    readonly presencePenalty: number;
  };
}

/** Our sampling in the engine's words. The seed is always given: without one the engine takes the time of day. [I-01 I-02] */
export function samplerOptions<Token>(sampling: Sampling, sampled: readonly Token[]): SamplerOptions<Token> {
  const isPenalised = sampling.repeat_penalty !== 1 || sampling.presence_penalty !== 0 || sampling.frequency_penalty !== 0;
  return {
    temperature: sampling.temperature,
    topK: sampling.top_k,
    topP: sampling.top_p,
    minP: sampling.min_p,
    seed: sampling.seed === RANDOM_SEED ? RANDOM_SEED - 1 : sampling.seed,
    ...(isPenalised && {
      repeatPenalty: {
        punishTokens: () => sampled.slice(-PENALTY_WINDOW_TOKENS),
        maxPunishTokens: PENALTY_WINDOW_TOKENS,
        penalty: sampling.repeat_penalty,
        frequencyPenalty: sampling.frequency_penalty,
        presencePenalty: sampling.presence_penalty,
      },
    }),
  };
}
