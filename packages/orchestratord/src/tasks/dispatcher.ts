import type { ApiError, GenerateRequest, GenerateUsage } from '@corral/contracts';
import type { TaskOutput } from './task-output.js';

/** What is known of a running answer while it runs: written by the dispatcher, read on cancel. */
export interface AnswerProgress {
  /** Frames that left for the client; of the task dialect each is a token until the last. */
  frames: number;
  firstByteAtMs: number | null;
}

/**
 * How one dispatch ended. `placeAgain`: nothing reached the client, and another replica may do better. `attempted`:
 * a node saw it, so it counts against the task's tries.
 */
export type DispatchOutcome =
  | { readonly kind: 'completed'; readonly usage: GenerateUsage | null }
  | { readonly kind: 'failed'; readonly error: ApiError; readonly placeAgain: boolean; readonly attempted: boolean }
  | { readonly kind: 'aborted' };

export interface Dispatch {
  readonly nodeId: string;
  readonly poolId: string;
  readonly request: GenerateRequest;
  readonly output: TaskOutput;
  readonly progress: AnswerProgress;
  /** Aborted by cancel, by an abandoned client, or at a deadline. */
  readonly signal: AbortSignal;
}

/** Sends one task to its node and passes the answer on. Never rejects. */
export interface Dispatcher {
  run(dispatch: Dispatch): Promise<DispatchOutcome>;
}
