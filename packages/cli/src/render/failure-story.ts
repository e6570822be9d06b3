import type { ReplicaStatus } from '@corral/contracts';
import { formatDuration } from '@corral/service-kit';
import { counted } from './shown.js';

/** Why a replica is not as it should be, how often it was started again, and when comes the next try; `null` when there is nothing to tell. */
export function failureStory({ state, last_error: error, restarts = 0, breaker }: ReplicaStatus, nowMs: number): string | null {
  const again = restarts === 0 ? null : `restarted ${counted(restarts, 'time')}`;
  if (state === 'resident') return breaker?.state === 'half_open' ? `on trial, ${again ?? 'after failures'}` : again;
  const parts = [error, again, nextTry(breaker?.retry_at_ms ?? null, nowMs)].filter((part) => part !== null);
  return parts.length === 0 ? null : parts.join('; ');
}

/** `null` when it waits for nothing. */
export function nextTry(atMs: number | null, nowMs: number): string | null {
  if (atMs === null) return null;
  return atMs <= nowMs ? 'next try now' : `next try in ${formatDuration(atMs - nowMs)}`;
}
