import type { ExitReason } from '@corral/engine';

/** What went wrong, in one word: the label of the metrics. The first ones are how a process ended by itself. [C-172] */
export type FailureReason =
  | ExitReason
  /** It answered no health check. */
  | 'hang'
  /** It said itself that its decode stands still. */
  | 'unhealthy'
  /** Its load made no progress. */
  | 'load_stall'
  /** It loaded and gave no first token. */
  | 'probe'
  /** The engine refused, in its own words. */
  | 'refused'
  | 'memory';

/** When it failed. `memory` and `room` are tried again as soon as it fits, the rest after a wait; `room`: it fits the pool, though not beside what stays. */
export type FailureKind = 'memory' | 'room' | 'load' | 'probe' | 'crash';

export interface Failure {
  readonly kind: FailureKind;
  readonly reason: FailureReason;
  /** For `last_error`; ends with the next step where there is one. */
  readonly message: string;
}

const ENDED_BY_OTHERS: ReadonlySet<FailureReason> = new Set(['sigkill', 'sigterm', 'signal']);

/**
 * Whether the next try may well succeed, so that those who wait for the model go on waiting: it served before, or
 * somebody ended its process. A file that the engine refuses, or that ends its parser, is told at once. [C-173]
 */
export function isPassing({ kind, reason }: Failure): boolean {
  return kind === 'crash' || ENDED_BY_OTHERS.has(reason);
}

/** Whether a process ended by itself or had to be ended, other than by the engine's own word. */
export function isCrash({ reason }: Failure): boolean {
  return reason !== 'refused' && reason !== 'memory';
}
