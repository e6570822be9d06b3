import { formatDuration } from '@corral/service-kit';
import { isPassing } from './failure.js';
import type { Replica } from './replica.js';

/** What an operator needs to know of a replica that failed: what happened, and, where nobody may start it, why and how to try at once. [C-52] */
export function restartStory({ poolId, restart, lastError }: Replica): string | null {
  const { breaker, failures, restarts } = restart;
  if (lastError === null || breaker.state !== 'open') return lastError;
  const left = `so pool ${poolId} leaves it alone for ${formatDuration(breaker.openMs)}; corral reset ${poolId} tries at once`;
  switch (breaker.cause) {
    case 'failures':
      return `${lastError}; it failed ${failures} times in a row, ${left}`;
    case 'storm':
      return `${lastError}; it was started again ${restarts} times in a short while, ${left}`;
    case 'trial':
      return `${lastError}; its trial after ${failures - 1} failures failed too, ${left}`;
  }
}

/** Whether it is on its way back after a fault that the next try may well not meet: whoever waits for it goes on waiting. [C-173] */
export function isRestarting({ phase, restart }: Replica): boolean {
  if (phase.state === 'failed') return isPassing(phase.failure) && restart.breaker.state !== 'open';
  return phase.state === 'waiting' && restart.last !== null && isPassing(restart.last);
}
