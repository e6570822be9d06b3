import { ApiError } from '@corral/contracts';
import type { ModelSpec } from '@corral/contracts';
import type { Clock, OperationStep } from '@corral/service-kit';
import type { KeyOfEntry, PoolChanges } from './pool-changes.js';
import type { PoolTable } from './pool-table.js';
import type { Presence } from '../models/present-model.js';
import type { Replica } from '../replicas/replica.js';
import type { ReplicaSet } from '../replicas/replica-set.js';

/** What operations on pools read and move. */
export interface PoolOperationParts {
  readonly pools: PoolTable;
  readonly replicas: Pick<ReplicaSet, 'inPool' | 'leases' | 'cutIn'>;
  readonly changes: PoolChanges;
  readonly clock: Clock;
  /** SIGTERM to SIGKILL. */
  readonly stopMs: number;
  /** How far the file of a model is; `undefined` while nobody wants it. */
  presenceOf(model: ModelSpec): Presence | undefined;
  /** The key of the replica that a model would be in a pool; `null` while its file is not there. */
  keyOf(model: ModelSpec, poolId: string): string | null;
  readonly keyOfEntry: KeyOfEntry;
  /** Why the swap of a holder failed; `null` while it has not. */
  swapFailure(holder: string): string | null;
}

/** One operation while it runs. */
export interface PoolJob {
  readonly poolId: string;
  readonly operationId: string;
  readonly step: OperationStep;
  readonly signal: AbortSignal;
}

const LOOK_MS = 50;

/** Looks again and again until `look` gives something else than `null`. Rejects with what it throws, or the signal's reason. */
export async function until<T>({ clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal }, look: () => T | null): Promise<T> {
  for (;;) {
    signal.throwIfAborted();
    const seen = look();
    if (seen !== null) return seen;
    await clock.sleep(LOOK_MS, signal);
  }
}

/** The replica with a key whose process is not being ended. */
export function replicaIn({ replicas }: Pick<PoolOperationParts, 'replicas'>, poolId: string, key: string | null): Replica | undefined {
  return replicas.inPool(poolId).find((replica) => replica.key === key && replica.phase.state !== 'stopping');
}

/** An operation that was undone, or whose change could not be made. */
export function takenBack(message: string, poolId: string): ApiError {
  return new ApiError('CONFLICT', message, { pool_id: poolId });
}
