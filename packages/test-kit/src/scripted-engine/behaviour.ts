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
  /** `load`: never becomes ready; `generate`: never samples a token; `park`, `resume`, `save`: that call of the owner never ends. */
  readonly hang?: 'load' | 'generate' | 'park' | 'resume' | 'save';
  /** The process dies in that call of its owner. */
  readonly crashIn?: 'park' | 'resume' | 'save';
  /** It cannot be resumed, and stays parked. */
  readonly failResume?: EngineErrorKind;
  /** How long it takes to be resumed. Default 0. */
  readonly resumeMs?: number;
  /** Size of the file that is kept of each idle slot. Default 0: nothing is kept. */
  readonly prefixBytes?: number;
  /** `GET /health` answers 503. */
  readonly failHealth?: boolean;
}
