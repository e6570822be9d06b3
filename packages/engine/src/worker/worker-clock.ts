import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '@corral/service-kit';

const LONGEST_TIMER_MS = 2_147_483_647;

/** The clock of a worker, which loads nothing but what it serves with. */
export const workerClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(Math.min(ms, LONGEST_TIMER_MS), undefined, signal === undefined ? {} : { signal });
  },
};
