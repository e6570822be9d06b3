/** What is known of the speed of the replicas that will serve a queue. Unset or not positive is unknown. */
export interface StartHints {
  readonly slotsTotal?: number;
  readonly slotsFree?: number;
  /** Of one slot while all are busy. */
  readonly tokensPerS?: number;
  readonly tokensPerTask?: number;
  readonly firstTokenMs?: number;
  /** Until a replica can serve at all; 0 or unset when one is resident. */
  readonly readyInMs?: number;
}

/** What one place in the queue costs when nothing is known of the speed. */
const UNKNOWN_TASK_MS = 100;
/** One day stands for everything longer. */
const MAX_START_MS = 86_400_000;

/**
 * Estimates when a task starts, in whole milliseconds, with `ahead` tasks before it.
 *
 * Tasks that find a free slot start as soon as a replica is ready; each further one waits for its share of the
 * throughput of all slots. Without hints every place costs 100 ms. At most one day; never falls as `ahead` grows.
 */
export function predictStartMs(ahead: number, hints: StartHints = {}): number {
  const readyInMs = Math.max(0, hints.readyInMs ?? 0);
  const { slotsTotal = 0, slotsFree = 0, tokensPerS = 0, tokensPerTask = 0 } = hints;
  if (!(slotsTotal > 0 && tokensPerS > 0 && tokensPerTask > 0)) return wholeMs(readyInMs + ahead * UNKNOWN_TASK_MS);

  const taskMs = Math.max(0, hints.firstTokenMs ?? 0) + (tokensPerTask / tokensPerS) * 1000;
  const slotsToWaitFor = Math.max(0, ahead + 1 - Math.max(0, slotsFree));
  return wholeMs(readyInMs + slotsToWaitFor * (taskMs / slotsTotal));
}

function wholeMs(ms: number): number {
  return ms < MAX_START_MS ? Math.ceil(ms) : MAX_START_MS;
}
