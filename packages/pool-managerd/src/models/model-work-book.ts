import type { ModelWork } from './in-use.js';

/** Work on models that no assignment asked for, for as long as it goes on: calls of operators. Bounded by who makes such calls. */
export class ModelWorkBook {
  readonly #running = new Set<ModelWork>();

  list(): readonly ModelWork[] {
    return [...this.#running];
  }

  /** Notes that work has begun. Returns its end; ending it twice is harmless. */
  begin(work: ModelWork): () => void {
    const own = { ...work };
    this.#running.add(own);
    return () => void this.#running.delete(own);
  }
}
