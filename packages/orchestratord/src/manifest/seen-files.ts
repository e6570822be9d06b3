const MODELS_MAX = 10_000;
const KEYS_MAX = 4;

/**
 * Which bytes a model without a digest turned out to be: learnt from the replicas that nodes made of it, so that the
 * replica of an earlier definition is told from that of a later one. Bounded; what it forgets counts as never seen.
 */
export class SeenFiles {
  readonly #keys = new Map<string, readonly string[]>();

  note(modelId: string, digest: string, modelKey: string): void {
    const at = `${modelId} ${digest}`;
    const known = this.#keys.get(at) ?? [];
    if (known.includes(modelKey)) return;
    this.#keys.delete(at);
    this.#keys.set(at, [...known, modelKey].slice(-KEYS_MAX));
    const oldest = this.#keys.keys().next();
    if (this.#keys.size > MODELS_MAX && oldest.done !== true) this.#keys.delete(oldest.value);
  }

  keysSeen(modelId: string, digest: string): readonly string[] {
    return this.#keys.get(`${modelId} ${digest}`) ?? [];
  }
}
