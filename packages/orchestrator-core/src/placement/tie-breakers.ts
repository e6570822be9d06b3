import type { Candidate, JobSpec } from './placement-input.js';

export type TieBreakerName =
  'residency' | 'affinity' | 'predicted_end' | 'memory_free' | 'active_slots' | 'perf' | 'node_id' | 'pool_id' | 'replica_id';

/** One step of the ranking: of the candidates still equal, those with the smallest key stay. */
export interface TieBreaker {
  readonly name: TieBreakerName;
  /** What is preferred, in words. */
  readonly prefers: string;
  /** Left out where it is always read. */
  readonly applies?: (remaining: readonly Candidate[], job: JobSpec) => boolean;
  readonly key: (candidate: Candidate, job: JobSpec) => number | string;
}

const MIB = 1024 * 1024;

/** The ranking, as one total order; the ids at its end make it so. [A-53 G-05] */
export const TIE_BREAKERS: readonly TieBreaker[] = [
  { name: 'residency', prefers: 'a resident replica, then a loading one, then none', key: residencyRank },
  {
    name: 'affinity',
    prefers: "the session's last replica, then its last pool",
    applies: (_, job) => job.affinityReplicaId !== undefined || job.affinityPoolId !== undefined,
    key: affinityRank,
  },
  {
    name: 'predicted_end',
    prefers: 'the earliest predicted end in whole milliseconds, where every candidate gives its hints',
    applies: (remaining, job) => job.expectedTokens !== undefined && remaining.every(hasHints),
    key: predictedEndMs,
  },
  { name: 'memory_free', prefers: 'most free memory in whole MiB', key: ({ pool }) => -Math.floor(pool.memoryFreeBytes / MIB) },
  { name: 'active_slots', prefers: 'fewest active slots of the replica, or of the pool where there is none', key: activeSlots },
  {
    name: 'perf',
    prefers: 'most tokens per second, unknown last',
    key: ({ pool }) => (pool.perfTokensPerS === undefined ? Infinity : -pool.perfTokensPerS),
  },
  { name: 'node_id', prefers: 'the smallest node id by code unit', key: ({ pool }) => pool.nodeId },
  { name: 'pool_id', prefers: 'the smallest pool id by code unit', key: ({ pool }) => pool.poolId },
  { name: 'replica_id', prefers: 'the smallest replica id by code unit', key: ({ replica }) => replica?.replicaId ?? '' },
];

/**
 * Ranks feasible candidates and returns the best with the steps that decided, or `null` for no candidates.
 *
 * Narrows step by step, so a hint that only beaten candidates lack does not spoil the comparison.
 */
export function selectBest(
  candidates: readonly Candidate[],
  job: JobSpec,
): { readonly best: Candidate; readonly applied: readonly TieBreakerName[] } | null {
  let remaining = candidates;
  const applied: TieBreakerName[] = [];
  for (const breaker of TIE_BREAKERS) {
    if (remaining.length <= 1) break;
    if (breaker.applies !== undefined && !breaker.applies(remaining, job)) continue;
    const kept = withSmallestKey(remaining, job, breaker);
    if (kept.length < remaining.length) applied.push(breaker.name);
    remaining = kept;
  }
  const best = remaining[0];
  return best === undefined ? null : { best, applied };
}

function withSmallestKey(candidates: readonly Candidate[], job: JobSpec, { key }: TieBreaker): readonly Candidate[] {
  let kept: Candidate[] = [];
  let smallest: number | string | undefined;
  for (const candidate of candidates) {
    const value = key(candidate, job);
    if (smallest === undefined || value < smallest) {
      smallest = value;
      kept = [candidate];
    } else if (value === smallest) kept.push(candidate);
  }
  return kept;
}

function residencyRank({ replica }: Candidate): number {
  if (replica === null) return 2;
  return replica.state === 'resident' ? 0 : 1;
}

function affinityRank({ pool, replica }: Candidate, job: JobSpec): number {
  if (replica !== null && replica.replicaId === job.affinityReplicaId) return 0;
  return pool.poolId === job.affinityPoolId ? 1 : 2;
}

function hasHints({ pool }: Candidate): boolean {
  return pool.firstTokenMs !== undefined && pool.perfTokensPerS !== undefined && pool.perfTokensPerS > 0;
}

/** Read only where `hasHints` holds for all. */
function predictedEndMs({ pool }: Candidate, job: JobSpec): number {
  const decodeMs = ((job.expectedTokens ?? 0) / (pool.perfTokensPerS ?? 1)) * 1000;
  return Math.round((pool.admissionLatencyMs ?? 0) + (pool.firstTokenMs ?? 0) + decodeMs);
}

function activeSlots({ pool, replica }: Candidate): number {
  if (replica !== null) return replica.activeSlots;
  return pool.replicas.reduce((sum, other) => sum + other.activeSlots, 0);
}
