import { formatAge } from '../wording/format-age.js';
import type { Reading } from './reading.js';

export interface StaleNotice {
  /** `waiting`: nothing has come yet and nothing has failed. */
  readonly state: 'waiting' | 'live' | 'stale' | 'nothing';
  readonly text: string;
  /** For who listens instead of looking: without the age, which would be read out every second. Empty while all is well. */
  readonly spoken: string;
}

/** A reading older than so many of its intervals is late even if no try has failed yet. */
const LATE_INTERVALS = 4;

/** How old the numbers on the page are, and why they are old. [U-03] */
export function staleNotice(reading: Reading<unknown>, everyMs: number, nowMs: number): StaleNotice {
  const { atMs, failure } = reading;
  if (atMs === null) {
    if (failure === null) return { state: 'waiting', text: 'Asking orchestratord …', spoken: '' };
    const text = `Nothing to show: ${failure.message}. Still trying.`;
    return { state: 'nothing', text, spoken: text };
  }
  const ageMs = nowMs - atMs;
  if (failure === null && ageMs <= everyMs * LATE_INTERVALS) return { state: 'live', text: `Updated ${formatAge(ageMs)} ago`, spoken: '' };
  const reason = failure?.message ?? 'the answer is late';
  return { state: 'stale', text: `These numbers are ${formatAge(ageMs)} old: ${reason}. Still trying.`, spoken: `These numbers are old: ${reason}. Still trying.` };
}
