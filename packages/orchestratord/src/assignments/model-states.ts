import type { ModelStatus } from './demand.js';
import type { StatusNow } from './model-status.js';

interface Remembered {
  readonly state: ModelStatus['state'];
  readonly sinceMs: number;
}

/** What was last said of each model, and since when it holds. */
export class ModelStates {
  readonly #states = new Map<string, Remembered>();

  keys(): readonly string[] {
    return [...this.#states.keys()];
  }

  withSince(modelKey: string, now: StatusNow, nowMs: number): ModelStatus {
    const known = this.#states.get(modelKey);
    return { ...now, sinceMs: known?.state === now.state ? Math.round(nowMs - known.sinceMs) : 0 };
  }

  /** Notes the state; the one before where it is another one, else `null`. */
  note(modelKey: string, now: StatusNow, nowMs: number): ModelStatus['state'] | null {
    const known = this.#states.get(modelKey)?.state ?? 'none';
    if (known === now.state) return null;
    if (now.state === 'none') this.#states.delete(modelKey);
    else this.#states.set(modelKey, { state: now.state, sinceMs: nowMs });
    return known;
  }
}
