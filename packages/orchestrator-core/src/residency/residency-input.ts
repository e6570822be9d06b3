import type { Priority } from '../admission/priority.js';
import type { ReplicaState } from '../placement/placement-input.js';

/** Where an instance is wished to be. */
export type Tier = 'hot' | 'warm' | 'cold' | 'demand';

/** What asked for the load. `startup` also stands for restoring a hot instance that nobody waits for. */
export type LoadSource = 'api_load' | 'demand' | 'startup' | 'watchdog';

/** The nearest place from which a node can load the weights. `device`: on the device already, only the context is missing. */
export type WeightsAt = 'device' | 'staged' | 'on_disk' | 'absent';

/** Whose turn it is: the class and arrival of the oldest task that waits for a model. */
export interface Waiter {
  readonly modelKey: string;
  readonly priority: Priority;
  /** From the counter that numbers tasks; a load without a task takes the next number. */
  readonly arrivalSeq: number;
}

/** A model that should become resident. */
export interface WantedModel extends Waiter {
  /** Weights as they lie on the device, context and buffers of one replica; `null` when it was never fetched. */
  readonly needBytes: number | null;
  /** Pools where it needs something else, for instance because their device kind differs; `null` = not known there. */
  readonly needBytesIn?: ReadonlyMap<string, number | null>;
  /** Bytes to move for a load: the file. `null` when unknown; `needBytes` stands in. */
  readonly weightsBytes: number | null;
  /** Strongest tier of the instances that want it. */
  readonly tier: Tier;
  readonly source: LoadSource;
  /** How long its oldest task has waited. From a whole quantum on, soon is better than cheap. */
  readonly waitingMs: number;
  /** An operator asks for it: what works is drained at once instead of keeping its quantum. Default false. */
  readonly immediate?: boolean;
  /** Pools whose node has just had no room for it, though there should be some, with the milliseconds until it is asked again. */
  readonly refusedIn?: ReadonlyMap<string, number>;
  /** Pools that may take it; unset = all that are given. */
  readonly poolIds?: ReadonlySet<string>;
}

/** One engine process of a pool and what it would cost to lose it. */
export interface ResidencyReplica {
  readonly replicaId: string;
  readonly modelKey: string;
  readonly bytes: number;
  /** A load that was ordered counts as `waiting` with its bytes from the moment it is ordered. */
  readonly state: ReplicaState;
  /** Requests running on it. */
  readonly leases: number;
  /** Tasks that wait for it. */
  readonly queued: number;
  /** Strongest tier of its instances. */
  readonly tier: Tier;
  readonly pinned: boolean;
  /** Since it became ready or others began to wait for its place, whichever is later. */
  readonly servingMs: number;
  /** Since its last request ended; 0 while it works. */
  readonly idleMs: number;
  /** Until its running requests end. */
  readonly drainEstimateMs: number;
}

/** One device. Pools that may take no load at all (offline, unready, draining, other engine) are left out by the caller. */
export interface ResidencyPool {
  readonly poolId: string;
  readonly nodeId: string;
  readonly memoryTotalBytes: number;
  /** Held by others than the replicas, for good. Default 0. A replica stays listed until its memory is confirmed free. */
  readonly memoryOtherBytes?: number;
  /** Replicas that it can hold at once; `null` = as many as fit. */
  readonly replicasMax: number | null;
  /** Until what its node has already begun to load, and what waits before that, is done. Default 0. */
  readonly queueMs?: number;
  readonly replicas: readonly ResidencyReplica[];
}

/** One node as a place to load the wanted model from. */
export interface ResidencyNode {
  readonly nodeId: string;
  readonly weights: WeightsAt;
  /** Whether it can fetch what it lacks. */
  readonly canFetch: boolean;
  /** Measured, or the caller's assumption; each above 0. */
  readonly bytesPerS: { readonly staged: number; readonly onDisk: number; readonly network: number };
}

export interface ResidencyPolicy {
  /** How long a replica with work keeps serving while others wait for its place; below 1 counts as 1. */
  readonly quantumMs: number;
}

export interface ResidencyInput {
  readonly wanted: WantedModel;
  readonly pools: readonly ResidencyPool[];
  readonly nodes: readonly ResidencyNode[];
  readonly policy: ResidencyPolicy;
}
