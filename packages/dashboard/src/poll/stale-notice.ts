import { formatAge } from '../wording/format-age.js';
import type { Reading } from './reading.js';

export interface StaleNotice {
  /** `waiting`: nothing has come yet and nothing has failed. */
  readonly state: 'waiting' | 'live' | 'stale' | 'nothing';
  readonly text: string;
}

/** A reading older than so many of its intervals is late even if no try has failed yet. */
const LATE_INTERVALS = 4;

/** How old the numbers on the page are, and why they are old. [U-03] */
export function staleNotice(reading: Reading<unknown>, everyMs: number, nowMs: number): StaleNotice {
  const { atMs, failure } = reading;
  if (atMs === null) {
    if (failure === null) return { state: 'waiting', text: 'Asking orchestratord …' };
    return { state: 'nothing', text: `Nothing to show: ${failure.message}. Still trying.` };
  }
  const ageMs = nowMs - atMs;
  if (failure !== null) return { state: 'stale', text: `These numbers are ${formatAge(ageMs)} old: ${failure.message}. Still trying.` };
  if (ageMs > everyMs * LATE_INTERVALS) return { state: 'stale', text: `These numbers are ${formatAge(ageMs)} old: the answer is late. Still trying.` };
  return { state: 'live', text: `Updated ${formatAge(ageMs)} ago` };
}
