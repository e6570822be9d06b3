import type { Priority } from '../admission/priority.js';

/** `admission` picks the queue a task may wait in; `dispatch` needs a replica that can start it at once. [G-24] */
export type Phase = 'admission' | 'dispatch';

/** What one replica is doing. `waiting` (for memory that drains) counts as `loading`: it will serve, but not yet. */
export type ReplicaState = 'waiting' | 'loading' | 'resident' | 'draining' | 'failed';

/** One engine process of a pool, as last reported. */
export interface ReplicaSnapshot {
  readonly replicaId: string;
  /** Identity of what is in memory: digest and context configuration, compared as an opaque text. */
  readonly modelKey: string;
  readonly state: ReplicaState;
  readonly slotsTotal: number;
  readonly slotsFree: number;
  readonly activeSlots: number;
  /** Tokens per slot. */
  readonly ctxMax: number;
}

/** One device of one node and what is known of it. `poolId` is unique in the input. An unset field is unknown. */
export interface PoolSnapshot {
  readonly poolId: string;
  readonly nodeId: string;
  readonly nodeOnline: boolean;
  readonly live: boolean;
  readonly ready: boolean;
  readonly draining: boolean;
  readonly engine: string;
  readonly engineVersion: string;
  readonly samplerProfileVersion?: string;
  /** Comma list of devices, with or without their kind: `0`, `cuda:0`, `cuda:0,cuda:1`, `cpu`. */
  readonly deviceMask: string;
  readonly deviceKind: string;
  /** Dotted numbers, such as `8.6`. */
  readonly computeCapability?: string;
  readonly memoryTotalBytes: number;
  readonly memoryFreeBytes: number;
  /** Largest context per slot that this pool may serve, in tokens. */
  readonly ctxMax: number;
  readonly features: ReadonlySet<string>;
  readonly quants?: ReadonlySet<string>;
  /** Model keys that the node has, staged or on disk; `null` when unknown or when the node can fetch what it lacks. */
  readonly modelsAvailable: ReadonlySet<string> | null;
  readonly perfTokensPerS?: number;
  readonly firstTokenMs?: number;
  readonly admissionLatencyMs?: number;
  readonly snapshotAgeMs: number;
  readonly replicas: readonly ReplicaSnapshot[];
}

/**
 * What the caller of a task asks of its placement. `mode` says which list is read: `pinPoolId` with `pin`,
 * `preferPools` with `prefer`. `avoidPools`, `requireDeviceMask` and `nodeId` count in every mode.
 */
export interface PlacementOverrides {
  /** Default `auto`. */
  readonly mode?: 'auto' | 'prefer' | 'pin';
  readonly pinPoolId?: string;
  readonly preferPools?: readonly string[];
  readonly avoidPools?: readonly string[];
  readonly requireDeviceMask?: string;
  readonly nodeId?: string;
  /** Default `true`; read with `prefer` alone. */
  readonly allowFallback?: boolean;
}

/** One task as placement sees it: opaque requirements, never the catalog. [A-06 A-12 A-13] */
export interface JobSpec {
  readonly priority: Priority;
  readonly engine: string;
  /** Identity of what must be resident: digest and context configuration, compared as an opaque text. */
  readonly modelKey: string;
  /** Tokens that the task needs. */
  readonly requiredCtx: number;
  /** Tokens that the model's requirements declare; the larger of the two counts. */
  readonly declaredCtx?: number;
  /** Weights on the device; `null` for a model that was never fetched. */
  readonly weightsBytes: number | null;
  /** Context and compute buffers of one replica, allocated with the weights; `null` when unknown. */
  readonly kvBytes: number | null;
  readonly minComputeCapability?: string;
  readonly quant?: string;
  readonly extensions: readonly string[];
  readonly placement?: PlacementOverrides;
  readonly expectedTokens?: number;
  /** Replica and pool that last served this session. */
  readonly affinityReplicaId?: string;
  readonly affinityPoolId?: string;
}

/** Everything a decision depends on. */
export interface PlacementInput {
  readonly phase: Phase;
  readonly job: JobSpec;
  readonly pools: readonly PoolSnapshot[];
  /** Older snapshots are not believed. */
  readonly maxSnapshotAgeMs: number;
  /** Policy of the operator: may a task name its pool? */
  readonly pinningAllowed: boolean;
}

/** What is ranked: a pool with a replica of the wanted model, or with none yet. */
export interface Candidate {
  readonly pool: PoolSnapshot;
  readonly replica: ReplicaSnapshot | null;
}
