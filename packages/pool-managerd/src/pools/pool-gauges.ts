import type { POOL_MANAGERD_METRICS, PoolStatus } from '@corral/contracts';
import type { Metrics } from '@corral/service-kit';

const GAUGES = ['pool_slots_total', 'pool_slots_free', 'pool_active_leases', 'pool_ready', 'pool_vram_total_bytes', 'pool_vram_free_bytes', 'circuit_breaker_state', 'pool_idle_workers'] as const;

/** Writes the gauges of the pools as they are; those of pools that went away end. Returns the pools that have gauges. */
export function setPoolGauges(metrics: Metrics<typeof POOL_MANAGERD_METRICS>, pools: readonly PoolStatus[], before: ReadonlySet<string>, idleIn: (poolId: string) => number): ReadonlySet<string> {
  const present = new Set(pools.map((pool) => pool.pool_id));
  for (const pool_id of before) if (!present.has(pool_id)) for (const name of GAUGES) metrics.remove(name, { pool_id });
  for (const pool of pools) {
    const { pool_id } = pool;
    metrics.set('pool_slots_total', { pool_id }, pool.slots_total);
    metrics.set('pool_slots_free', { pool_id }, pool.slots_free);
    metrics.set('pool_active_leases', { pool_id }, pool.active_leases);
    metrics.set('pool_ready', { pool_id }, pool.ready ? 1 : 0);
    metrics.set('pool_vram_total_bytes', { pool_id }, pool.memory_total_bytes);
    metrics.set('pool_idle_workers', { pool_id }, idleIn(pool_id));
    metrics.set('circuit_breaker_state', { pool_id }, worstBreaker(pool));
    metrics.set('pool_vram_free_bytes', { pool_id }, Math.max(0, pool.memory_total_bytes - pool.memory_used_bytes));
  }
  return present;
}

/** 1 where a model is held off, else 2 where one is on trial, else 0. [H-01] */
function worstBreaker({ replicas }: PoolStatus): number {
  const states = replicas.map(({ breaker }) => breaker?.state);
  if (states.includes('open')) return 1;
  return states.includes('half_open') ? 2 : 0;
}
