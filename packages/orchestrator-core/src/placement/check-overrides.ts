import type { PlacementDecision } from './placement-decision.js';
import type { PlacementInput } from './placement-input.js';

type InvalidParams = Extract<PlacementDecision, { kind: 'invalid_params' }>;

/** Refuses overrides that contradict each other, the policy or the known pools; `null` when they make sense. [A-40 A-42] */
export function checkOverrides({ job, pools, pinningAllowed }: PlacementInput): InvalidParams | null {
  const overrides = job.placement;
  if (overrides?.mode === 'prefer' && (overrides.preferPools ?? []).length === 0) {
    return invalid('preferPools', 'placement mode "prefer" names no pool; name at least one, or use mode "auto"');
  }
  if (overrides?.mode !== 'pin') return null;

  const poolId = overrides.pinPoolId;
  if (poolId === undefined || poolId === '') {
    return invalid('pinPoolId', 'placement mode "pin" names no pool; name the pool to pin to, or use mode "auto"');
  }
  if (!pinningAllowed) return invalid('mode', 'pinning to a pool is disabled here; use mode "prefer" or "auto"');
  const pool = pools.find((known) => known.poolId === poolId);
  if (pool === undefined) return invalid('pinPoolId', `pool "${poolId}" is not known; list the pools and name one of them`);
  if (overrides.avoidPools?.includes(poolId) === true) {
    return invalid('avoidPools', `pool "${poolId}" is both pinned and avoided; take it out of one of the two`);
  }
  if (overrides.nodeId !== undefined && overrides.nodeId !== pool.nodeId) {
    return invalid('nodeId', `pool "${poolId}" is on node "${pool.nodeId}", not on "${overrides.nodeId}"; name only the pool`);
  }
  return null;
}

function invalid(field: InvalidParams['field'], message: string): InvalidParams {
  return { kind: 'invalid_params', field, message };
}
