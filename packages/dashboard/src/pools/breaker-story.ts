import type { ReplicaStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';
import { formatAge } from '../wording/format-age.js';

/** What is wrong with a replica and what happens next, in one or two sentences; null while nothing is wrong. [U-08] */
export function breakerStory(replica: ReplicaStatus, nowMs: number): string | null {
  const { breaker, failures = 0, restarts = 0, model_id: model } = replica;
  const again = breaker?.retry_at_ms == null ? null : formatAge(breaker.retry_at_ms - nowMs);
  if (breaker?.state === 'open') {
    const next = again === null ? 'Nothing is tried until you reset the pool.' : `One trial follows in ${again}; reset the pool to try now.`;
    return `${model} failed ${counted(failures, 'time')} in a row, so its breaker is open. ${next}`;
  }
  if (breaker?.state === 'half_open') return `${model} is on trial: if this start works, its breaker closes.`;
  if (replica.state === 'failed' || failures > 0) {
    const next = again === null ? 'It waits for the next request or load.' : `It is tried again in ${again}.`;
    return `${model} failed ${counted(Math.max(1, failures), 'time')} in a row. ${next}`;
  }
  return restarts > 0 ? `${model} was restarted ${counted(restarts, 'time')} after a failure and runs again.` : null;
}
