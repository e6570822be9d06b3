import type { Clock } from '@corral/service-kit';
import type { DeviceRef, EngineReplica, ReplicaSpec, Standby, StandbyOptions, StartOptions } from '../port.js';
import { DeviceStandby, type StandbyLimits } from './device-standby.js';
import { startReplica } from './start-replica.js';
import type { WorkerProgram } from './worker-process.js';

export interface WorkersLimits extends StandbyLimits {
  /** Between the end of the last load and the fork of the next idle process, so that the first token has the cores. */
  readonly refillDelayMs: number;
}

const LIMITS: WorkersLimits = { initMs: 60_000, steadyMs: 30_000, backoff: { initialMs: 250, maxMs: 60_000 }, refillDelayMs: 250 };

export interface EngineWorkersOptions {
  /** The worker for one device; throws an EngineError when there is none. */
  readonly program: (device: DeviceRef) => WorkerProgram;
  /** What makes processes on a device start faster, awaited before the first one is kept waiting there. Its failure is no reason not to. */
  readonly prepare?: (device: DeviceRef, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly limits?: Partial<WorkersLimits>;
}

/** The worker processes of one engine: those that wait for a load, and those that load. */
export class EngineWorkers {
  readonly #standbys = new Map<DeviceStandby, string>();
  readonly #limits: WorkersLimits;
  #loads = 0;
  /** Counts the loads that have begun, to tell whether one began since. */
  #begun = 0;

  constructor(private readonly options: EngineWorkersOptions) {
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** As `EngineProvider.start`; `extra` is what the engine tells its own worker beside the spec, JSON. */
  async start(spec: ReplicaSpec, options: StartOptions, extra: unknown = null): Promise<EngineReplica> {
    this.#loads += 1;
    this.#begun += 1;
    try {
      return await startReplica(spec, { program: () => this.options.program(spec), takeWaiting: () => this.#take(keyOf(spec)), extra }, options);
    } finally {
      this.#loads -= 1;
      void this.#refillSoon();
    }
  }

  /** As `EngineProvider.standBy`. */
  standBy(device: DeviceRef, options: StandbyOptions): Standby {
    const { clock, program, prepare } = this.options;
    const standby = new DeviceStandby({ ...options, program: () => program(device), prepare: async (signal) => await prepare?.(device, signal), clock, limits: this.#limits, isHeldBack: () => this.#loads > 0 });
    this.#standbys.set(standby, keyOf(device));
    return {
      get state() {
        return standby.state;
      },
      close: async () => {
        this.#standbys.delete(standby);
        await standby.close();
      },
    };
  }

  #take(key: string): ReturnType<DeviceStandby['take']> {
    for (const [standby, each] of this.#standbys) {
      const worker = each === key ? standby.take() : null;
      if (worker !== null) return worker;
    }
    return null;
  }

  /** A refill would take the cores of the machine from a load, and from the first token after it. */
  async #refillSoon(): Promise<void> {
    const begun = this.#begun;
    if (this.#loads > 0 || this.#standbys.size === 0) return;
    await this.options.clock.sleep(this.#limits.refillDelayMs);
    if (begun === this.#begun) for (const standby of this.#standbys.keys()) standby.fill();
  }
}

/** A process runs one build: one that waits with another is none for this load. */
function keyOf({ deviceKind, deviceMask, bundle }: DeviceRef): string {
  return `${deviceKind}:${deviceMask}:${bundle?.id ?? ''}`;
}
