import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anInput, GIB } from '../../test/placement-builders.js';
import { decide } from './decide.js';
import { FILTERS } from './filters.js';
import type { Candidate, JobSpec, PlacementInput, PoolSnapshot, ReplicaSnapshot } from './placement-input.js';
import { TIE_BREAKERS } from './tie-breakers.js';

const anyBytes = fc.integer({ min: 0, max: 8 }).map((n) => n * GIB);
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
const mostly = rarely.map((value) => !value);

const anyReplica = fc.record({
  modelKey: fc.constantFrom('m', 'm', 'other'),
  state: fc.constantFrom<ReplicaSnapshot['state'][]>('waiting', 'loading', 'resident', 'resident', 'draining', 'failed'),
  slotsTotal: fc.constant(4),
  slotsFree: fc.nat(2),
  activeSlots: fc.nat(2),
  ctxMax: fc.constantFrom(1024, 4096),
});

const anyPool = fc
  .record({
    poolId: fc.string({ minLength: 1, maxLength: 3 }),
    nodeId: fc.constantFrom('n1', 'n2'),
    nodeOnline: mostly,
    live: mostly,
    ready: mostly,
    draining: rarely,
    engine: fc.constantFrom('llamacpp', 'llamacpp', 'vllm'),
    engineVersion: rarely.map((odd) => (odd ? '2' : '1')),
    samplerProfileVersion: fc.constant(undefined),
    deviceMask: fc.constantFrom('0', 'cuda:0', 'cuda:1'),
    deviceKind: fc.constant('cuda'),
    computeCapability: fc.constantFrom(undefined, '7.5', '8.6'),
    memoryTotalBytes: anyBytes,
    memoryFreeBytes: anyBytes,
    ctxMax: fc.constantFrom(2048, 8192),
    features: fc.subarray(['a', 'b']).map((features) => new Set(features)),
    quants: fc.constantFrom(undefined, new Set(['q4']), new Set(['q8'])),
    modelsAvailable: fc.constantFrom(null, null, new Set(['m']), new Set<string>()),
    perfTokensPerS: fc.constantFrom(undefined, 10, 20),
    firstTokenMs: fc.constantFrom(undefined, 100, 200),
    admissionLatencyMs: fc.constantFrom(undefined, 5),
    snapshotAgeMs: fc.constantFrom(0, 0, 0, 40_000),
    replicas: fc.array(anyReplica, { maxLength: 3 }),
  })
  .map((pool): PoolSnapshot => ({
    ...pool,
    replicas: pool.replicas.map((replica, n) => ({ ...replica, replicaId: `${pool.poolId}/${n}` })),
  }));

const anyPools = fc.uniqueArray(anyPool, { selector: (pool) => pool.poolId, maxLength: 12 });

const anyJob = (poolIds: readonly string[]): fc.Arbitrary<Partial<JobSpec>> => {
  const anyId = fc.constantFrom('nope', ...poolIds);
  return fc.record({
    requiredCtx: fc.constantFrom(512, 2048, 4096),
    weightsBytes: fc.option(anyBytes),
    kvBytes: fc.option(anyBytes),
    minComputeCapability: fc.constantFrom(undefined, '8.0'),
    quant: fc.constantFrom(undefined, 'q4'),
    extensions: fc.subarray(['a']),
    expectedTokens: fc.constantFrom(undefined, 100),
    affinityPoolId: fc.option(anyId, { nil: undefined }),
    affinityReplicaId: fc.option(
      anyId.map((id) => `${id}/0`),
      { nil: undefined },
    ),
    placement: fc.option(
      fc.record({
        mode: fc.constantFrom('auto' as const, 'prefer' as const, 'pin' as const),
        pinPoolId: anyId,
        preferPools: fc.array(anyId, { minLength: 1, maxLength: 3 }),
        avoidPools: fc.array(anyId, { maxLength: 2 }),
        requireDeviceMask: fc.constantFrom(undefined, undefined, '0'),
        nodeId: fc.constantFrom(undefined, undefined, 'n1'),
        allowFallback: fc.boolean(),
      }),
      { nil: undefined },
    ),
  });
};

const anyInput: fc.Arbitrary<PlacementInput> = anyPools.chain((pools) =>
  fc
    .record({ job: anyJob(pools.map((pool) => pool.poolId)), phase: fc.constantFrom('admission' as const, 'dispatch' as const) })
    .map(({ job, phase }) => anInput(pools, job, { phase })),
);

/** Everything in the input that has an order without meaning, in another order. */
const shuffled = (input: PlacementInput): fc.Arbitrary<PlacementInput> =>
  fc.tuple(fc.shuffledSubarray([...input.pools], { minLength: input.pools.length }), fc.boolean()).map(([pools, turned]) => ({
    ...input,
    pools: turned ? pools.map((pool) => ({ ...pool, replicas: pool.replicas.toReversed() })) : pools,
  }));

const RUNS = { numRuns: 1_000 };

/** The slowest thing that could be right: every candidate against every other with one comparator. */
function oracle(input: PlacementInput): Candidate | null {
  const { job } = input;
  let all = input.pools.flatMap((pool): Candidate[] => {
    const usable = pool.replicas.filter(
      (replica) => replica.modelKey === job.modelKey && ['waiting', 'loading', 'resident'].includes(replica.state),
    );
    return usable.length === 0 ? [{ pool, replica: null }] : usable.map((replica) => ({ pool, replica }));
  });
  if (job.placement?.mode === 'pin') all = all.filter(({ pool }) => pool.poolId === job.placement?.pinPoolId);
  let feasible = all.filter((candidate) => FILTERS.every((filter) => filter.accepts(candidate, input)));
  if (job.placement?.mode === 'prefer') {
    const preferred = feasible.filter(({ pool }) => job.placement?.preferPools?.includes(pool.poolId));
    if (preferred.length > 0 || !job.placement.allowFallback) feasible = preferred;
  }
  for (const breaker of TIE_BREAKERS) {
    if (breaker.applies?.(feasible, job) === false) continue;
    feasible = feasible.filter((a) => feasible.every((b) => breaker.key(a, job) <= breaker.key(b, job)));
  }
  return feasible[0] ?? null;
}

describe('decide, properties', () => {
  test('A-05 I-04 the order of pools and replicas changes nothing', () => {
    fc.assert(
      fc.property(
        anyInput.chain((input) => fc.tuple(fc.constant(input), shuffled(input))),
        ([input, other]) => expect(decide(other)).toEqual(decide(input)),
      ),
      RUNS,
    );
  });

  test('A-04 A-05 the input is left as it was, and the same input gives the same answer', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const before = structuredClone(input);
        const first = decide(input);
        expect(decide(input)).toEqual(first);
        expect(input).toEqual(before);
      }),
      RUNS,
    );
  });

  test('A-30 never assigns what a filter rejects, and never with a feasible candidate left refuses', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decide(input);
        if (decision.kind === 'invalid_params' || decision.kind === 'version_conflict') return;
        const best = oracle(input);
        if (decision.kind === 'no_capacity') return expect(best).toBeNull();
        const pool = input.pools.find(({ poolId }) => poolId === decision.poolId) ?? null;
        const replica = pool?.replicas.find(({ replicaId }) => replicaId === decision.replicaId) ?? null;
        expect({ pool, replica }).toEqual(best);
      }),
      RUNS,
    );
  });

  test('A-61 accounts for every pool exactly once', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decide(input);
        if (decision.kind === 'invalid_params') return;
        const { log } = decision;
        const removed = log.filtersApplied.flatMap(({ poolIds }) => poolIds);
        expect(new Set(removed).size).toBe(removed.length);
        expect(removed.length + log.candidatesFeasible).toBe(log.candidatesConsidered);
        expect(log.candidatesConsidered).toBe(log.pinned ? 1 : input.pools.length);
      }),
      RUNS,
    );
  });

  test('A-62 A-63 a refusal names the last filter that removed a pool', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const decision = decide(input);
        if (decision.kind !== 'no_capacity' || decision.log.candidatesFeasible > 0) return;
        expect(decision.filter).toBe(decision.log.filtersApplied.at(-1)?.filter ?? null);
      }),
      RUNS,
    );
  });
});
