const KEYS_MAX = 1_000;

/** What replicas took of their devices, by replica key: better than any estimate. The oldest are forgotten. */
export class MeasuredMemory {
  readonly #bytes = new Map<string, number>();

  get(key: string): number | null {
    return this.#bytes.get(key) ?? null;
  }

  set(key: string, memoryBytes: number): void {
    this.#bytes.delete(key);
    this.#bytes.set(key, memoryBytes);
    const [oldest] = this.#bytes.keys();
    if (this.#bytes.size > KEYS_MAX && oldest !== undefined) this.#bytes.delete(oldest);
  }
}
