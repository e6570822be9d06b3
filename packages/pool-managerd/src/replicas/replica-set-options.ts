import type { EngineBundleRef, EngineProvider, ReplicaSpec } from '@corral/engine';
import type { HealthLimits, HealthOutcome } from './health-watch.js';
import type { KeepNearPorts } from './keep-near.js';
import type { LoadPorts } from './load-replica.js';
import type { Replica } from './replica.js';
import type { RestartPolicy } from './restart-policy.js';

/** What a replica needs of its pool to be started. */
export interface ReplicaPlace {
  readonly poolId: string;
  readonly deviceKind: ReplicaSpec['deviceKind'];
  readonly deviceMask: string;
  readonly threadsPerReplica: number;
  readonly memoryTotalBytes: number;
  /** It stands before a server: nothing of it is staged, kept, parked or learnt. */
  readonly isAttached?: boolean;
}

/** One change of one replica, for the log, the metrics and whoever plans. `from` null = made, `to` null = gone. */
export interface ReplicaChange {
  readonly from: Replica | null;
  readonly to: Replica | null;
  readonly cause: string;
  /** Requests that were open. */
  readonly leases: number;
}

export interface ReplicaSetOptions extends LoadPorts {
  readonly restart: RestartPolicy;
  readonly health: HealthLimits;
  /** SIGTERM to SIGKILL. */
  readonly stopMs: number;
  readonly batchTokens: number;
  readonly prefillChunkTokens: number;
  readonly random: () => number;
  /** The native build that a replica runs; `undefined` = what came with the program. */
  readonly bundleOf?: (engineId: string | null) => EngineBundleRef | undefined;
  /** What starts a replica, where that is not the node's own engine; `null` where it is. */
  readonly providerOf?: (engineId: string | null) => EngineProvider | null;
  /** The file that a load reads; `release` is called once, when its process is gone. */
  readonly weightsOf: (replica: Replica) => { readonly path: string; release(): void };
  /** What is kept of a replica that is demoted. */
  readonly near: Omit<KeepNearPorts, 'clock' | 'log'> & {
    /** `null` = nothing is parked; `unstaged`: also what is not loaded from the staging area. */
    readonly parking: { readonly unstaged: boolean } | null;
  };
  /** Called after each change, in order; must not throw. */
  readonly onChange: (change: ReplicaChange) => void;
  /** A replica has said what it took of its device. */
  readonly onMeasured: (replica: Replica, deviceKind: ReplicaPlace['deviceKind'], taken: { readonly weightsBytes: number; readonly contextBytes: number }) => void;
  /** A request has begun or ended; a replica that drains may have been waiting for that. */
  readonly onLeases: (isDraining: boolean) => void;
  /** A resident worker was looked at. */
  readonly onHealth: (poolId: string, outcome: HealthOutcome) => void;
}
