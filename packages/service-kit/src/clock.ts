import { setTimeout as delay } from 'node:timers/promises';

/** The only door to time. What waits or measures takes one as an argument. */
export interface Clock {
  /** Wall clock, Unix milliseconds. For what people and other machines read. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never jumps. For durations and deadlines. */
  monotonicMs(): number;
  /** Resolves after `ms`; rejects with the signal's reason when that is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Timers hold 31 bits; a longer wait is made of several. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    signal?.throwIfAborted();
    try {
      for (let left = Math.max(0, ms); ; left -= LONGEST_TIMER_MS) {
        await delay(Math.min(left, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal });
        if (left <= LONGEST_TIMER_MS) return;
      }
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error;
    }
  },
};
