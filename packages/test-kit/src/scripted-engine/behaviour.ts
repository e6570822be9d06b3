import type { EngineErrorKind } from '@corral/engine';

/** What a scripted engine does instead of inference. [I-05] */
export interface ScriptedBehaviour {
  /** Between two tokens, the first included. Default 0. */
  readonly tokenDelayMs?: number;
  /** The tokens themselves, or how many words to draw from the seed. Default 8. */
  readonly tokens?: number | readonly string[];
  /** Each token is the monotonic clock of the machine as it is sampled, nanoseconds: for measuring what comes after. */
  readonly timestamps?: boolean;
  /** The process gives up before it can take a load. Of `scriptedEngine` it is read from one behaviour for all. */
  readonly failInit?: EngineErrorKind;
  /** How long a load takes. Default 0. */
  readonly preloadMs?: number;
  /** The load fails with this kind of error. */
  readonly failPreload?: EngineErrorKind;
  /** The process dies once a generation has sampled so many tokens; 0 = before the first. */
  readonly crashAfterTokens?: number;
  /** `load`: never becomes ready; `generate`: never samples a token. */
  readonly hang?: 'load' | 'generate';
  /** `GET /health` answers 503. */
  readonly failHealth?: boolean;
}
