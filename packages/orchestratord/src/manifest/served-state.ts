import type { LoadedManifest } from './load-manifest.js';
import type { ServedManifest } from './served-manifest.js';

/** Whoever reads what is served: asks anew each time, and keeps nothing of the answer. */
export interface ServedSource {
  current(): ServedManifest;
}

/**
 * The one holder of what is served: an immutable value that is replaced as a whole, in one synchronous step, by the
 * reload alone. Whoever reads it in one turn sees one manifest. [F-03 F-04]
 */
export class ServedState implements ServedSource {
  #served: LoadedManifest;

  constructor(initial: LoadedManifest) {
    this.#served = initial;
  }

  current(): ServedManifest {
    return this.#served.manifest;
  }

  /** Why what is served is not what the file says; `null` when it is. */
  problem(): string | null {
    return this.#served.problem;
  }

  /** Returns what was served until now. */
  swap(next: LoadedManifest): LoadedManifest {
    const before = this.#served;
    this.#served = next;
    return before;
  }
}
