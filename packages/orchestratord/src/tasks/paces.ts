import type { GenerateUsage } from '@corral/contracts';
import type { StartHints } from '@corral/orchestrator-core';

type Pace = Required<Pick<StartHints, 'tokensPerS' | 'tokensPerTask' | 'firstTokenMs'>>;

/** Models whose pace is remembered; a newcomer beyond that is estimated without hints. */
const MODELS_MAX = 1_000;
/** Weight of the latest answer in the moving averages. */
const GAIN = 0.2;

/** How fast each model has answered lately: what estimates of a start are made from. */
export class Paces {
  readonly #byModel = new Map<string, Pace>();

  learn(modelKey: string, usage: GenerateUsage): void {
    if (usage.tokens_out === 0 || usage.decode_time_ms === 0) return;
    const latest: Pace = { tokensPerS: (usage.tokens_out / usage.decode_time_ms) * 1_000, tokensPerTask: usage.tokens_out, firstTokenMs: usage.first_token_ms ?? 0 };
    const known = this.#byModel.get(modelKey);
    if (known === undefined && this.#byModel.size >= MODELS_MAX) return;
    this.#byModel.set(modelKey, known === undefined ? latest : blend(known, latest));
  }

  hints(modelKey: string): StartHints {
    return this.#byModel.get(modelKey) ?? {};
  }
}

function blend(known: Pace, latest: Pace): Pace {
  const mix = (a: number, b: number): number => a + GAIN * (b - a);
  return {
    tokensPerS: mix(known.tokensPerS, latest.tokensPerS),
    tokensPerTask: mix(known.tokensPerTask, latest.tokensPerTask),
    firstTokenMs: mix(known.firstTokenMs, latest.firstTokenMs),
  };
}
