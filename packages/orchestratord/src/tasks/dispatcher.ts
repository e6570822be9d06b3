import type { ApiError, GenerateRequest, GenerateUsage } from '@corral/contracts';
import type { TaskOutput } from './task-output.js';

/** What is known of a running answer while it runs: written by the dispatcher, read on cancel and when its node goes away. */
export interface AnswerProgress {
  /** Frames that came from the worker; of the task dialect each is a token until the last. */
  frames: number;
  firstByteAtMs: number | null;
  lastByteAtMs: number | null;
}

/** How one dispatch ended. */
export type DispatchOutcome =
  | { readonly kind: 'completed'; readonly usage: GenerateUsage | null }
  /** The worker ended the stream with an error frame of its own, so that the client knows already. */
  | { readonly kind: 'told'; readonly error: ApiError }
  | {
      readonly kind: 'failed';
      readonly error: ApiError;
      /** Nothing reached the client, and another replica, or this one a moment later, may do better. */
      readonly placeAgain: boolean;
      /** A worker may have worked on it, so that it counts against the task's tries. */
      readonly attempted: boolean;
    }
  | { readonly kind: 'aborted' };

export interface Dispatch {
  readonly nodeId: string;
  readonly poolId: string;
  readonly request: GenerateRequest;
  readonly output: TaskOutput;
  readonly progress: AnswerProgress;
  /** Aborted by cancel, by an abandoned client, or at a deadline: nobody wants the answer. */
  readonly signal: AbortSignal;
  /** Aborted, with the reason, when the node is known to have lost the task. */
  readonly lost: AbortSignal;
}

/** Sends one task to its node and passes the answer on. Never rejects. */
export interface Dispatcher {
  run(dispatch: Dispatch): Promise<DispatchOutcome>;
}
