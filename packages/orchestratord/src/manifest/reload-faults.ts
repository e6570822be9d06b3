import type { ReloadStep } from './reloads.js';

/** A place in a reload where a test can let it fail: before the step's work, or after it. */
export type ReloadMoment = `before ${ReloadStep}` | `after ${ReloadStep}` | 'before commit' | 'after commit' | 'before rollback';

/** Faults that tests put into a reload; in production there are none. */
export interface ReloadFaults {
  /** Throws, or rejects, where the reload is to fail. */
  at(moment: ReloadMoment): void | Promise<void>;
}

export const NO_FAULTS: ReloadFaults = { at: () => undefined };
