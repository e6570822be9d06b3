/** An instance that may leave its place when nobody uses it. */
export interface IdleInstance {
  readonly key: string;
  /** Requests of it run or wait, or it is still on its way: then its time does not pass. */
  readonly isBusy: boolean;
  readonly lastUsedMs: number;
  /** `null` = it stays however long it is idle. */
  readonly ttlMs: number | null;
}

export interface IdlePlan {
  /** Keys of those whose time is over. */
  readonly expired: readonly string[];
  /** When the next one's time is over, on the clock of `lastUsedMs`; `null` when none's will be by waiting. */
  readonly nextMs: number | null;
}

/** Whose time without use is over: at the exact end of its TTL, never while it is busy. [C-64 C-65] */
export function planIdle(instances: readonly IdleInstance[], nowMs: number): IdlePlan {
  const due = instances.flatMap(({ key, isBusy, lastUsedMs, ttlMs }) => (isBusy || ttlMs === null ? [] : [{ key, atMs: lastUsedMs + ttlMs }]));
  const later = due.filter(({ atMs }) => atMs > nowMs).map(({ atMs }) => atMs);
  return { expired: due.filter(({ atMs }) => atMs <= nowMs).map(({ key }) => key), nextMs: later.length === 0 ? null : Math.min(...later) };
}
