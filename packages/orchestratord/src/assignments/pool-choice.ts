import { FILTERS, type JobSpec, type PlacementOverrides } from '@corral/orchestrator-core';
import type { PoolView } from '../nodes/node-view.js';
import { snapshotOf } from '../tasks/placement-snapshot.js';

/** The rules of `decide` that say where a task may run at all, whatever is loaded there. */
const WHERE = FILTERS.filter(({ name }) => name === 'node_pin' || name === 'avoid' || name === 'device_mask');

const NO_LEASES = { leasesOf: () => 0, accepts: () => true, keyOf: () => '' };

/**
 * The pools where a model may be loaded for a task with these overrides; `null` = all. The same rules decide here
 * as for the task itself, so that a model never goes where its task may not. Pure. [A-40 A-41 A-42 A-25 G-20]
 */
export function poolChoice(placement: PlacementOverrides | null, pools: readonly PoolView[]): ReadonlySet<string> | null {
  if (placement === null) return null;
  const allowed = pools.filter((pool) => isAllowed(pool, placement)).map(({ poolId }) => poolId);
  if (placement.mode === 'pin') return new Set(allowed.filter((poolId) => poolId === placement.pinPoolId));
  if (placement.mode !== 'prefer') return new Set(allowed);
  const preferred = allowed.filter((poolId) => placement.preferPools?.includes(poolId) === true);
  return new Set(preferred.length > 0 || placement.allowFallback === false ? preferred : allowed);
}

function isAllowed(view: PoolView, placement: PlacementOverrides): boolean {
  const job: JobSpec = { priority: 'interactive', engine: view.status.engine, modelKey: '', requiredCtx: 0, weightsBytes: null, kvBytes: null, extensions: [], placement };
  const input = { phase: 'admission', job, pools: [], maxSnapshotAgeMs: Number.MAX_SAFE_INTEGER, pinningAllowed: true } as const;
  const candidate = { pool: snapshotOf(view, NO_LEASES), replica: null };
  return WHERE.every(({ accepts }) => accepts(candidate, input));
}
