import type { AdminHealth, Instance, PoolStatus } from '@corral/contracts';
import { counted } from '../wording/counted.js';

export interface Observed {
  readonly pools: readonly PoolStatus[];
  readonly instances: readonly Instance[];
  readonly health: AdminHealth | null;
  /** Tasks that wait for a pool. */
  waitingIn(poolId: string): number | null;
}

/** A pool with less left than this has no room for another model. */
const FULL_FRACTION = 0.9;

/** What the numbers of the page mean together, and what to do about it. [J-03 J-04] */
export function advice({ pools, instances, health, waitingIn }: Observed): readonly string[] {
  return [...pools.flatMap((pool) => [...fullOfHot(pool, instances), ...shortOfSlots(pool, waitingIn(pool.pool_id) ?? 0)]), ...stuck(instances, health)];
}

function fullOfHot({ pool_id: poolId, memory_total_bytes: total, memory_used_bytes: used }: PoolStatus, instances: readonly Instance[]): readonly string[] {
  const hot = instances.filter((instance) => instance.pool_id === poolId && instance.residency === 'resident' && (instance.held_tier ?? instance.tier) === 'hot');
  if (total === 0 || used / total < FULL_FRACTION || hot.length === 0) return [];
  return [`${poolId} is ${Math.round((used / total) * 100)} % full, and ${counted(hot.length, 'hot instance keeps', 'hot instances keep')} memory there: unload what is idle, or lower HOT_CEILING.`];
}

/** Tasks that wait beside loaded models wait for slots, not for residency. */
function shortOfSlots({ pool_id: poolId, ready, slots_total: slots, slots_free: free, replicas }: PoolStatus, waiting: number): readonly string[] {
  const isSettled = replicas.every(({ state }) => state === 'resident' || state === 'parked');
  if (!ready || waiting === 0 || slots === 0 || free > 0 || !isSettled) return [];
  return [`${counted(waiting, 'task waits', 'tasks wait')} for ${poolId} while its models are loaded and every slot is taken: more tiers would not help; give the models more slots, or add a pool.`];
}

/** Instances that are wanted and do not come although nothing failed: then their node or the way to it is at fault. */
function stuck(instances: readonly Instance[], health: AdminHealth | null): readonly string[] {
  if (health === null || (health.event_bus.connected && health.workers.every(({ online, queue_lag: lag }) => online && lag === 0))) return [];
  const wanted = instances.filter(({ held_tier: held, is_ready: isReady, progress, last_error: error }) => held !== null && held !== 'warm' && !isReady && progress === null && error === null);
  if (wanted.length === 0) return [];
  return [`${counted(wanted.length, 'instance is', 'instances are')} wanted and nothing moves: look at the nodes and the event bus at the end of this page.`];
}
