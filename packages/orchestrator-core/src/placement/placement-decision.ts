import type { PlacementOverrides } from './placement-input.js';
import type { TieBreakerName } from './tie-breakers.js';

/** Why no pool could be chosen; the list is closed. */
export type NoCapacityReason =
  | 'NO_CAPACITY'
  | 'INSUFFICIENT_CTX'
  | 'INSUFFICIENT_VRAM'
  | 'EXTENSIONS_UNSATISFIED'
  | 'MODEL_NOT_AVAILABLE'
  | 'POOL_UNREADY'
  | 'NODE_UNAVAILABLE'
  | 'STALE_SNAPSHOTS'
  | 'pinned_pool_infeasible'
  | 'no_preferred_feasible';

/** The rules of feasibility; `FILTERS` holds each with its reason. [A-20 … A-31] */
export type FilterName =
  | 'node_pin'
  | 'avoid'
  | 'node_offline'
  | 'not_ready'
  | 'draining'
  | 'stale_snapshot'
  | 'engine'
  | 'device_mask'
  | 'ctx'
  | 'extensions'
  | 'compute_capability'
  | 'quant'
  | 'model_unavailable'
  | 'vram'
  | 'not_resident'
  | 'slots';

/** What a decision looked at and what decided it: one log line. Counts are pools. */
export interface DecisionLog {
  readonly selectedPoolId: string | null;
  readonly selectedReplicaId: string | null;
  /** A pin leaves one pool to consider. */
  readonly candidatesConsidered: number;
  /** Pools that passed every filter, before a preference narrows them. */
  readonly candidatesFeasible: number;
  /** Every filter that removed a pool, in the order applied, with the removed ids ascending. */
  readonly filtersApplied: readonly { readonly filter: FilterName; readonly poolIds: readonly string[] }[];
  /** The tie-breakers that removed a candidate, in the order applied. */
  readonly tieBreakersApplied: readonly TieBreakerName[];
  readonly pinned: boolean;
  readonly fallbackUsed: boolean;
  /** Whether the task lands where its session's context is; `null` without affinity or without a selection. */
  readonly kvWarmth: boolean | null;
  /** `false` when the session moves: its context is never carried along. `null` as above. */
  readonly kvMigrated: boolean | null;
}

/** The pools of one replica set by version; more than one entry is a configuration error. */
export interface VersionGroup {
  readonly engineVersion: string;
  readonly samplerProfileVersion: string | null;
  readonly poolIds: readonly string[];
}

/** The answer of `decide`. */
export type PlacementDecision =
  | {
      readonly kind: 'assigned';
      readonly poolId: string;
      readonly nodeId: string;
      /** `null` when the pool holds no usable replica of the model yet; only at admission. */
      readonly replicaId: string | null;
      readonly residency: 'resident' | 'loading' | 'none';
      readonly log: DecisionLog;
    }
  | {
      readonly kind: 'no_capacity';
      readonly reason: NoCapacityReason;
      /** The filter that emptied the set; `null` when none did: no pools are known, or only a preference left none. */
      readonly filter: FilterName | null;
      readonly log: DecisionLog;
    }
  | { readonly kind: 'invalid_params'; readonly field: keyof PlacementOverrides; readonly message: string }
  | { readonly kind: 'version_conflict'; readonly groups: readonly VersionGroup[]; readonly message: string; readonly log: DecisionLog };
