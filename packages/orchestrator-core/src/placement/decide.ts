import { checkOverrides } from './check-overrides.js';
import { FILTERS } from './filters.js';
import type { DecisionLog, NoCapacityReason, PlacementDecision } from './placement-decision.js';
import type { Candidate, JobSpec, PlacementInput } from './placement-input.js';
import { screenPools, type Screening } from './screen-pools.js';
import { selectBest, type TieBreakerName } from './tie-breakers.js';
import { versionGroups } from './version-groups.js';

/**
 * Chooses the pool, and the replica in it, that should serve `input.job`.
 *
 * Same input, same decision: no clock, no randomness, no dependence on the order of pools or replicas. At admission it
 * may answer a pool without a replica of the model; at dispatch only a resident replica with a free slot. Expected
 * refusals are values, never exceptions. [A-02 A-05 A-53]
 */
export function decide(input: PlacementInput): PlacementDecision {
  const invalid = checkOverrides(input);
  if (invalid !== null) return invalid;

  const screening = screenPools(input);
  const groups = versionGroups(screening.holders);
  if (groups.length > 1) {
    const message = `replicas of one model run on different engine versions (${groups.map(describe).join('; ')}); drain the pools of one version`;
    return { kind: 'version_conflict', groups, message, log: logOf(input, screening) };
  }

  const { candidates, fallbackUsed } = preferred(input.job, screening.candidates);
  const selected = selectBest(candidates, input.job);
  if (selected === null) return noCapacity(input, screening);

  const { pool, replica } = selected.best;
  return {
    kind: 'assigned',
    poolId: pool.poolId,
    nodeId: pool.nodeId,
    replicaId: replica?.replicaId ?? null,
    residency: replica === null ? 'none' : replica.state === 'resident' ? 'resident' : 'loading',
    log: logOf(input, screening, { ...selected, fallbackUsed }),
  };
}

/** Keeps the preferred candidates, or all of them where none is feasible and the task may fall back. */
function preferred(
  job: JobSpec,
  candidates: readonly Candidate[],
): { readonly candidates: readonly Candidate[]; readonly fallbackUsed: boolean } {
  const { mode, preferPools = [], allowFallback = true } = job.placement ?? {};
  if (mode !== 'prefer') return { candidates, fallbackUsed: false };
  const wanted = new Set(preferPools);
  const kept = candidates.filter(({ pool }) => wanted.has(pool.poolId));
  return kept.length === 0 && allowFallback ? { candidates, fallbackUsed: true } : { candidates: kept, fallbackUsed: false };
}

function noCapacity(input: PlacementInput, screening: Screening): PlacementDecision {
  const filter = screening.candidates.length > 0 ? null : (FILTERS[screening.lastFilter] ?? null);
  return { kind: 'no_capacity', reason: reasonOf(input.job, filter), filter: filter?.name ?? null, log: logOf(input, screening) };
}

function reasonOf({ placement }: JobSpec, filter: (typeof FILTERS)[number] | null): NoCapacityReason {
  if (placement?.mode === 'pin') return filter?.kind === 'health' ? 'POOL_UNREADY' : 'pinned_pool_infeasible';
  if (placement?.mode === 'prefer' && placement.allowFallback === false) return 'no_preferred_feasible';
  if (filter === null) return placement?.nodeId === undefined ? 'STALE_SNAPSHOTS' : 'NODE_UNAVAILABLE';
  return filter.reason;
}

interface Selection {
  readonly best: Candidate;
  readonly applied: readonly TieBreakerName[];
  readonly fallbackUsed: boolean;
}

function logOf({ job }: PlacementInput, screening: Screening, selection?: Selection): DecisionLog {
  const kvWarmth = selection === undefined ? null : isWarm(job, selection.best);
  return {
    selectedPoolId: selection?.best.pool.poolId ?? null,
    selectedReplicaId: selection?.best.replica?.replicaId ?? null,
    candidatesConsidered: screening.considered,
    candidatesFeasible: screening.feasiblePools,
    filtersApplied: screening.removed,
    tieBreakersApplied: selection?.applied ?? [],
    pinned: job.placement?.mode === 'pin',
    fallbackUsed: selection?.fallbackUsed ?? false,
    kvWarmth,
    kvMigrated: kvWarmth === null ? null : false,
  };
}

/** The context is warm on the very replica that last served; where only the pool is known, on a resident replica in it. */
function isWarm(job: JobSpec, { pool, replica }: Candidate): boolean | null {
  if (job.affinityReplicaId !== undefined) return replica?.replicaId === job.affinityReplicaId && replica.state === 'resident';
  if (job.affinityPoolId !== undefined) return pool.poolId === job.affinityPoolId && replica?.state === 'resident';
  return null;
}

function describe(group: { engineVersion: string; samplerProfileVersion: string | null; poolIds: readonly string[] }): string {
  const profile = group.samplerProfileVersion === null ? '' : ` with sampler profile ${group.samplerProfileVersion}`;
  return `${group.engineVersion}${profile} on ${group.poolIds.join(', ')}`;
}
