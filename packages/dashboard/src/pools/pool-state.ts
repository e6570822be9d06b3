import type { PoolStatus } from '@corral/contracts';
import type { Tone } from '../wording/tone.js';

export interface PoolState {
  readonly tone: Tone;
  readonly label: string;
}

/** A pool in one or two words. */
export function poolState(pool: PoolStatus): PoolState {
  if (pool.draining) return { tone: 'warn', label: 'draining' };
  if (!pool.live) return { tone: 'bad', label: 'not reporting' };
  if (!pool.ready) return pool.last_error === null ? { tone: 'busy', label: 'starting' } : { tone: 'bad', label: 'not ready' };
  if (pool.replicas.some(({ breaker }) => breaker?.state === 'open')) return { tone: 'warn', label: 'ready, a model is barred' };
  if (pool.replicas.some(({ state }) => state === 'loading' || state === 'waiting')) return { tone: 'busy', label: 'ready, loading' };
  return { tone: 'good', label: 'ready' };
}
