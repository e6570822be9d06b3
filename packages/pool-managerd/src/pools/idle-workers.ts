import type { DeviceKind } from '@corral/contracts';
import type { EngineBundleRef, EngineProvider, Standby, StandbyState } from '@corral/engine';
import type { Log } from '@corral/service-kit';
import type { PlannedPool } from '../devices/planned-pool.js';
import type { Pool } from './pool-table.js';

export interface IdleWorkersOptions {
  readonly provider: Pick<EngineProvider, 'standBy'>;
  /** For each device; 0 = none. */
  readonly workers: number;
  readonly log: Log;
  /** The build that they run on a kind of device; `undefined` = what came with the program. */
  readonly bundleOf?: (kind: DeviceKind) => EngineBundleRef | undefined;
  /** Some became ready, were taken, or could not be started. */
  readonly onChange: () => void;
}

/** Keeps engine workers without a model on every device that a pool uses; pools on one device share them. [C-175] */
export class IdleWorkers {
  readonly #standbys = new Map<string, Standby>();
  readonly #ending = new Set<Promise<void>>();
  #isClosed = false;

  constructor(private readonly options: IdleWorkersOptions) {}

  /** Brings them in line with the pools: a device that no pool may use keeps none. */
  follow(pools: readonly Pool[]): void {
    if (this.#isClosed || this.options.workers === 0) return;
    const used = new Map(pools.filter(({ drainDeadlineMs }) => drainDeadlineMs === null).flatMap(({ planned }) => this.#deviceOf(planned) ?? []).map((device) => [device.key, device]));
    for (const [key, standby] of this.#standbys) if (!used.has(key)) this.#end(key, standby);
    for (const [key, { deviceKind, deviceMask, bundle }] of used) {
      if (this.#standbys.has(key)) continue;
      const { provider, workers, log, onChange } = this.options;
      this.#standbys.set(key, provider.standBy({ deviceKind, deviceMask, ...(bundle !== undefined && { bundle }) }, { workers, log, onChange }));
    }
  }

  /** Of the pool's device; `null` where none are kept. */
  stateOf(pool: PlannedPool): StandbyState | null {
    return this.#standbys.get(this.#deviceOf(pool)?.key ?? '')?.state ?? null;
  }

  /** Ends all of them; none is left when it resolves. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const [key, standby] of this.#standbys) this.#end(key, standby);
    await Promise.all(this.#ending);
  }

  /** One that waits with another build is none for the next load. */
  #deviceOf({ deviceKind, deviceMask, problem, attached }: PlannedPool) {
    if (deviceKind === null || problem !== null || attached !== undefined) return null;
    const bundle = this.options.bundleOf?.(deviceKind);
    return { key: `${deviceKind}:${deviceMask}:${bundle?.id ?? ''}`, deviceKind, deviceMask, bundle };
  }

  #end(key: string, standby: Standby): void {
    this.#standbys.delete(key);
    const ended = standby.close().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }
}
