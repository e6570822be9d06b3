/** Weight of the newest load. */
const NEWEST = 0.5;

/** How fast weights come from the disk into use, over the loads so far: what the control plane plans with. */
export class LoadSpeed {
  #bytesPerS: number | null = null;

  /** `null` before the first load. */
  get bytesPerS(): number | null {
    return this.#bytesPerS;
  }

  loaded(sizeBytes: number, durationMs: number): void {
    if (durationMs <= 0 || sizeBytes <= 0) return;
    const bytesPerS = Math.round((sizeBytes / durationMs) * 1_000);
    this.#bytesPerS = this.#bytesPerS === null ? bytesPerS : Math.round(bytesPerS * NEWEST + this.#bytesPerS * (1 - NEWEST));
  }
}
