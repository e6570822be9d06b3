/** Fetches that were ordered a moment ago: a file that a node has done with and does not show is not asked for there again at once. */
export class RecentFetches {
  static readonly AGAIN_MS = 10_000;
  readonly #orderedMs = new Map<string, number>();

  note(modelKey: string, nodeId: string, nowMs: number): void {
    for (const [key, orderedMs] of this.#orderedMs) if (nowMs - orderedMs >= RecentFetches.AGAIN_MS) this.#orderedMs.delete(key);
    this.#orderedMs.set(keyOf(modelKey, nodeId), nowMs);
  }

  isRecent(modelKey: string, nodeId: string, nowMs: number): boolean {
    return nowMs - (this.#orderedMs.get(keyOf(modelKey, nodeId)) ?? Number.NEGATIVE_INFINITY) < RecentFetches.AGAIN_MS;
  }

  forget(modelKey: string, nodeId: string): void {
    this.#orderedMs.delete(keyOf(modelKey, nodeId));
  }
}

function keyOf(modelKey: string, nodeId: string): string {
  return `${modelKey} ${nodeId}`;
}
