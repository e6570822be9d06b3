import type { LoadProgress, Residency, Tier } from '@corral/contracts';
import type { InstanceKey } from '../store/instance-rows.js';

/** Who wants an instance loaded, and how far: `warm` stops at `staged`, every other tier means resident. [G-02] */
export interface LoadCause {
  /** The effective tier: the request's hint, else the record's. */
  readonly tier: Tier;
  readonly source: 'api_load' | 'startup';
  readonly correlationId: string;
}

export interface UnloadCause {
  readonly source: 'api_unload';
  readonly correlationId: string;
}

/** Where an instance is and how far it is from being served. */
export interface InstanceState {
  readonly residency: Residency;
  /** Whether a request that names it is served at once. */
  readonly isReady: boolean;
  /** The node and pool that hold it or are to hold it; `null` while there is none. */
  readonly nodeId: string | null;
  readonly poolId: string | null;
  readonly lastError: string | null;
  readonly progress: LoadProgress | null;
  /** Milliseconds until it is resident (tier `warm`: staged); 0 once it is; `null` when nobody can tell. */
  readonly estimatedMs: number | null;
  /** Milliseconds after which a request that was refused may be worth sending again; `null` when nothing brings it nearer. */
  readonly retryAfterMs: number | null;
}

/** What the API may ask of the one owner of what is wanted where. [C-206 E-08 G-02 G-03] */
export interface Lifecycle {
  /**
   * Makes an explicit instance resident (effective tier `warm`: staged) and holds it there until it is unloaded, or
   * until a wish that is stronger needs its place; a held `hot` one comes back by itself.
   *
   * Resolves when the durable row is there and its publish is confirmed. Rejects with `EVENT_BUS_UNAVAILABLE`,
   * `NODE_UNAVAILABLE` or `POOL_UNAVAILABLE` (who holds the room), and then nothing has changed.
   */
  load(key: InstanceKey, cause: LoadCause): Promise<void>;
  /** Ends every wish for the instance; a load that is under way is given up, running requests end first. Rejects as {@link load} does. */
  unload(key: InstanceKey, cause: UnloadCause): Promise<void>;
  /** The config or model of the instance has changed: one that is loaded gets a new assignment, and a new replica only when its model or shape is another. */
  refresh(key: InstanceKey, correlationId: string): Promise<void>;
  stateOf(key: InstanceKey): InstanceState;
}
