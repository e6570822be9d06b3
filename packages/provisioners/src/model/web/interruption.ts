import type { ProvisionError } from '../provision-error.js';

/** One try ended in a way that the next need not. `failure` is what to tell when there is no next. */
export class Interruption extends Error {
  constructor(
    readonly failure: ProvisionError,
    /** The wait that the server asked for. */
    readonly afterMs: number | null = null,
    /** Bytes came, and too few to call it progress. */
    readonly isTooSlow = false,
  ) {
    super(failure.message, { cause: failure });
    this.name = 'Interruption';
  }
}

/** What has come so far is of no use any longer; `ranges_ignored`: the server never sends parts. */
export class StartAnew extends Error {
  constructor(
    readonly kind: 'changed' | 'ranges_ignored',
    reason: string,
  ) {
    super(reason);
    this.name = 'StartAnew';
  }
}
