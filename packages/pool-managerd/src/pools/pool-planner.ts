import type { DeviceDiscovery } from '@corral/engine';
import type { Log } from '@corral/service-kit';
import type { PlannedPool, PoolChoice } from '../devices/planned-pool.js';
import { planPools, poolsWithoutSearch } from '../devices/plan-pools.js';
import type { PoolPlanInput } from '../devices/plan-pools.js';
import type { PoolTable } from './pool-table.js';

export interface PoolPlannerOptions extends Pick<PoolPlanInput, 'nodeId' | 'permissions' | 'cpu'> {
  readonly pools: PoolTable;
  readonly log: Log;
  /** As the manifest has them now. */
  choices(): readonly PoolChoice[] | null;
  /** Those that stand before servers. */
  attached(): readonly PlannedPool[];
}

/**
 * Makes the pools once the devices are known and the control plane has spoken, or was waited for long enough: so
 * that no default pool shows up for a moment and is gone when the manifest's arrive.
 */
export class PoolPlanner {
  #search: { readonly discovery: DeviceDiscovery } | { readonly failure: string } | null = null;
  #isSettled = false;

  constructor(private readonly options: PoolPlannerOptions) {}

  discovered(discovery: DeviceDiscovery): void {
    this.#search = { discovery };
    this.#plan();
  }

  /** There is no telling which devices there are. */
  searchFailed(failure: string): void {
    this.#search = { failure };
    this.#plan();
  }

  /** The choices are final for the start. Further calls do nothing. */
  settle(cause: string): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.options.log.info('pools settled', { cause });
    this.#plan();
  }

  /** The choices may have changed. */
  replan(): void {
    this.#plan();
  }

  #plan(): void {
    const { nodeId, permissions, cpu, pools, log, choices } = this.options;
    if (this.#search === null || !this.#isSettled) return;
    const own =
      'failure' in this.#search
        ? poolsWithoutSearch({ nodeId, choices: choices() }, this.#search.failure)
        : planPools({ nodeId, discovery: this.#search.discovery, permissions, cpu, choices: choices() });
    const planned = [...own, ...this.options.attached().filter(({ poolId }) => !own.some((pool) => pool.poolId === poolId))];
    const before = new Map(pools.list().map(({ planned: pool }) => [pool.poolId, pool]));
    const changed = planned.filter((pool) => JSON.stringify(before.get(pool.poolId)) !== JSON.stringify(pool));
    const gone = [...before.keys()].filter((poolId) => !planned.some((pool) => pool.poolId === poolId));
    if (pools.isSettled && changed.length === 0 && gone.length === 0) return;
    pools.replace(planned);
    for (const pool of changed) this.#tell(pool);
    for (const poolId of gone) log.info('pool removed', { pool_id: poolId, cause: 'nothing defines it any longer' });
  }

  #tell({ poolId, device, deviceName, deviceMask, memoryTotalBytes, replicasMax, threadsPerReplica, problem }: PlannedPool): void {
    const fields = { pool_id: poolId, device, device_name: deviceName, device_mask: deviceMask, memory_bytes: memoryTotalBytes, replicas_max: replicasMax, threads: threadsPerReplica };
    if (problem === null) this.options.log.info('pool made', fields);
    else this.options.log.warn('pool cannot be used', { ...fields, last_error: problem });
  }
}
