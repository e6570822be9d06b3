const MODELS_MAX = 10_000;
const KEYS_MAX = 4;

/**
 * Which bytes a model without a digest turned out to be: learnt from the replicas that nodes made of it, so that the
 * replica of an earlier definition is told from that of a later one. Bounded; what it forgets counts as never seen.
 */
export class SeenFiles {
  readonly #keys = new Map<string, readonly string[]>();
  readonly #digests = new Map<string, string>();

  note(modelId: string, digest: string, modelKey: string): void {
    keepNewest(this.#digests, modelKey, digest);
    const at = `${modelId} ${digest}`;
    const known = this.#keys.get(at) ?? [];
    if (known.includes(modelKey)) return;
    keepNewest(this.#keys, at, [...known, modelKey].slice(-KEYS_MAX));
  }

  /** The bytes that a key was last seen with. */
  digestOf(modelKey: string): string | undefined {
    return this.#digests.get(modelKey);
  }

  keysSeen(modelId: string, digest: string): readonly string[] {
    return this.#keys.get(`${modelId} ${digest}`) ?? [];
  }
}

function keepNewest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > MODELS_MAX && oldest.done !== true) map.delete(oldest.value);
}
