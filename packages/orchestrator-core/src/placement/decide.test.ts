import { describe, expect, test } from '@jest/globals';
import { aPool, aReplica, aServingPool, anInput, GIB } from '../../test/placement-builders.js';
import { decide } from './decide.js';
import type { DecisionLog, PlacementDecision } from './placement-decision.js';
import type { JobSpec, PlacementInput } from './placement-input.js';

const NOTHING_DECIDED: DecisionLog = {
  selectedPoolId: null,
  selectedReplicaId: null,
  candidatesConsidered: 0,
  candidatesFeasible: 0,
  filtersApplied: [],
  tieBreakersApplied: [],
  pinned: false,
  fallbackUsed: false,
  kvWarmth: null,
  kvMigrated: null,
};

function outcome(decision: PlacementDecision): string {
  switch (decision.kind) {
    case 'assigned':
      return decision.replicaId ?? decision.poolId;
    case 'no_capacity':
      return decision.reason;
    case 'invalid_params':
      return `invalid ${decision.field}`;
    case 'version_conflict':
      return 'version_conflict';
  }
}

function decided(pools: PlacementInput['pools'], job: Partial<JobSpec> = {}, with_: Partial<PlacementInput> = {}): string {
  return outcome(decide(anInput(pools, job, with_)));
}

describe('decision', () => {
  test('A-02 A-60 A-61 an assignment says where, and its log why', () => {
    const pools = [
      aPool('p3', { draining: true }),
      aServingPool('p2', {}, { activeSlots: 1 }),
      aServingPool('p1'),
      aPool('p0', { nodeOnline: false }),
    ];
    expect(decide(anInput(pools, {}, { phase: 'dispatch' }))).toEqual({
      kind: 'assigned',
      poolId: 'p1',
      nodeId: 'node-1',
      replicaId: 'p1-r',
      residency: 'resident',
      log: {
        ...NOTHING_DECIDED,
        selectedPoolId: 'p1',
        selectedReplicaId: 'p1-r',
        candidatesConsidered: 4,
        candidatesFeasible: 2,
        filtersApplied: [
          { filter: 'node_offline', poolIds: ['p0'] },
          { filter: 'draining', poolIds: ['p3'] },
        ],
        tieBreakersApplied: ['active_slots'],
      },
    });
  });

  test('A-60 A-61 a refusal says the filter and its reason, and lists the removed pools in order', () => {
    const pools = [aPool('p2', { nodeOnline: false }), aPool('p1', { nodeOnline: false }), aPool('p3', { ctxMax: 1 })];
    expect(decide(anInput(pools))).toEqual({
      kind: 'no_capacity',
      reason: 'INSUFFICIENT_CTX',
      filter: 'ctx',
      log: {
        ...NOTHING_DECIDED,
        candidatesConsidered: 3,
        filtersApplied: [
          { filter: 'node_offline', poolIds: ['p1', 'p2'] },
          { filter: 'ctx', poolIds: ['p3'] },
        ],
      },
    });
  });

  test('A-23 without any pool the reason is that nothing current is known', () => {
    expect(decide(anInput([]))).toEqual({ kind: 'no_capacity', reason: 'STALE_SNAPSHOTS', filter: null, log: NOTHING_DECIDED });
  });

  test('A-63 a capability that is missing names the reason where health fails elsewhere', () => {
    expect(decided([aPool('p1', { nodeOnline: false }), aPool('p2', { memoryTotalBytes: 1 })])).toBe('INSUFFICIENT_VRAM');
  });

  test('A-63 a pool that lacks a capability and a slot is refused for the capability', () => {
    expect(decided([aServingPool('p1', { ctxMax: 1 }, { slotsFree: 0 })], {}, { phase: 'dispatch' })).toBe('INSUFFICIENT_CTX');
  });

  test('A-63 one pool that lacks only a slot makes it a matter of waiting', () => {
    const pools = [aServingPool('p1', {}, { slotsFree: 0 }), aServingPool('p2', { ctxMax: 1 })];
    expect(decided(pools, {}, { phase: 'dispatch' })).toBe('NO_CAPACITY');
  });

  test('A-22 replicas that drain or failed count as none, at admission too', () => {
    const pools = [aServingPool('p1', {}, { state: 'draining' }), aServingPool('p2', {}, { state: 'failed' })];
    expect(decide(anInput(pools))).toMatchObject({ kind: 'assigned', poolId: 'p1', replicaId: null, residency: 'none' });
  });
});

describe('version pin', () => {
  const mixed = [aServingPool('p2', { engineVersion: '2.0.0' }), aServingPool('p1'), aServingPool('p3', {}, { slotsFree: 0 })];

  test('A-32 replicas of one model on two versions are a configuration error', () => {
    expect(decide(anInput(mixed, {}, { phase: 'dispatch' }))).toEqual({
      kind: 'version_conflict',
      groups: [
        { engineVersion: '1.0.0', samplerProfileVersion: null, poolIds: ['p1', 'p3'] },
        { engineVersion: '2.0.0', samplerProfileVersion: null, poolIds: ['p2'] },
      ],
      message: 'replicas of one model run on different engine versions (1.0.0 on p1, p3; 2.0.0 on p2); drain the pools of one version',
      log: {
        ...NOTHING_DECIDED,
        candidatesConsidered: 3,
        candidatesFeasible: 2,
        filtersApplied: [{ filter: 'slots', poolIds: ['p3'] }],
      },
    });
  });

  test('A-32 a busy replica is still in the set: the mix does not come and go with the load', () => {
    const pools = [aServingPool('p1'), aServingPool('p2', { engineVersion: '2.0.0' }, { slotsFree: 0 })];
    expect(decided(pools, {}, { phase: 'dispatch' })).toBe('version_conflict');
  });

  test('A-32 a replica that loads is in the set', () => {
    const pools = [aServingPool('p1'), aServingPool('p2', { engineVersion: '2.0.0' }, { state: 'loading' })];
    expect(decided(pools, {}, { phase: 'dispatch' })).toBe('version_conflict');
  });

  test('A-32 sampler profiles count, and one that is not reported equals no other', () => {
    const pools = [aServingPool('p1', { samplerProfileVersion: '7' }), aServingPool('p2')];
    expect(decided(pools)).toBe('version_conflict');
  });

  test('A-32 pools that drain, hold other models or hold none are not in the set', () => {
    const pools = [
      aServingPool('p1'),
      aServingPool('p2', { engineVersion: '2.0.0', draining: true }),
      aServingPool('p3', { engineVersion: '2.0.0' }, { modelKey: 'other' }),
      aPool('p4', { engineVersion: '3.0.0' }),
    ];
    expect(decided(pools)).toBe('p1-r');
  });

  test('A-32 A-40 a pin leaves one pool and so one version', () => {
    expect(decided(mixed, { placement: { mode: 'pin', pinPoolId: 'p2' } })).toBe('p2-r');
  });
});

describe('pin', () => {
  const pin = (pinPoolId?: string): Partial<JobSpec> => ({ placement: { mode: 'pin', pinPoolId } });

  test('A-40 a pin wins over a better pool', () => {
    const decision = decide(anInput([aServingPool('p1'), aPool('p2', { memoryFreeBytes: 0 })], pin('p2')));
    expect(decision).toMatchObject({ kind: 'assigned', poolId: 'p2', log: { pinned: true, fallbackUsed: false, candidatesConsidered: 1 } });
  });

  test.each([
    ['an unknown pool', { placement: { mode: 'pin', pinPoolId: 'nope' } }, {}, 'invalid pinPoolId'],
    ['no pool', { placement: { mode: 'pin' } }, {}, 'invalid pinPoolId'],
    ['an empty id', { placement: { mode: 'pin', pinPoolId: '' } }, {}, 'invalid pinPoolId'],
    ['pinning is disabled', { placement: { mode: 'pin', pinPoolId: 'p1' } }, { pinningAllowed: false }, 'invalid mode'],
    ['a pool of another node', { placement: { mode: 'pin', pinPoolId: 'p1', nodeId: 'node-2' } }, {}, 'invalid nodeId'],
    ['a pool of the named node', { placement: { mode: 'pin', pinPoolId: 'p1', nodeId: 'node-1' } }, {}, 'p1'],
  ] as const)('A-40 a pin to %s', (_, job, with_, answer) => {
    expect(decided([aPool('p1')], job, with_)).toBe(answer);
  });

  test('A-40 a pin without a pool says what to do', () => {
    expect([pin(), pin('')].map((job) => decide(anInput([aPool('p1')], job)))).toEqual(
      ['', ''].map(() => ({
        kind: 'invalid_params',
        field: 'pinPoolId',
        message: 'placement mode "pin" names no pool; name the pool to pin to, or use mode "auto"',
      })),
    );
  });

  test('A-42 a pool both pinned and avoided is refused', () => {
    expect(decide(anInput([aPool('p1')], { placement: { mode: 'pin', pinPoolId: 'p1', avoidPools: ['p1'] } }))).toEqual({
      kind: 'invalid_params',
      field: 'avoidPools',
      message: 'pool "p1" is both pinned and avoided; take it out of one of the two',
    });
  });

  test.each([
    ['offline', { nodeOnline: false }, 'POOL_UNREADY'],
    ['not ready', { ready: false }, 'POOL_UNREADY'],
    ['draining', { draining: true }, 'POOL_UNREADY'],
    ['stale', { snapshotAgeMs: 99_999 }, 'POOL_UNREADY'],
    ['too small', { memoryTotalBytes: 1 }, 'pinned_pool_infeasible'],
    ['of another engine', { engine: 'vllm' }, 'pinned_pool_infeasible'],
  ] as const)('A-40 a pinned pool that is %s never falls back', (_, pool, reason) => {
    expect(decided([aPool('p1', pool), aServingPool('p2')], { placement: { mode: 'pin', pinPoolId: 'p1', allowFallback: true } })).toBe(
      reason,
    );
  });
});

describe('prefer, avoid, node', () => {
  const prefer = (preferPools: readonly string[], allowFallback?: boolean): Partial<JobSpec> => ({
    placement: { mode: 'prefer', preferPools, allowFallback },
  });

  test('A-41 only preferred pools are scored while one is feasible', () => {
    const decision = decide(anInput([aServingPool('p1'), aPool('p2'), aPool('p3', { memoryFreeBytes: 0 })], prefer(['p2', 'p3'])));
    expect(decision).toMatchObject({
      kind: 'assigned',
      poolId: 'p2',
      log: { candidatesFeasible: 3, fallbackUsed: false, tieBreakersApplied: ['memory_free'] },
    });
  });

  test('A-41 with the preferred pool down it falls back, and says so', () => {
    const decision = decide(anInput([aPool('p1'), aPool('p2', { ready: false })], prefer(['p2'])));
    expect(decision).toMatchObject({ kind: 'assigned', poolId: 'p1', log: { fallbackUsed: true } });
  });

  test('A-41 a preferred pool that is not known is one that is down', () => {
    expect(decided([aPool('p1')], prefer(['p9'], true))).toBe('p1');
  });

  test('A-41 without fallback it is refused, and no filter is blamed for a preference', () => {
    expect(decide(anInput([aPool('p1')], prefer(['p2'], false)))).toMatchObject({
      kind: 'no_capacity',
      reason: 'no_preferred_feasible',
      filter: null,
      log: { candidatesFeasible: 1, fallbackUsed: false, selectedPoolId: null },
    });
  });

  test('A-41 with fallback and nothing feasible the filter names the reason', () => {
    expect(decided([aPool('p1', { ready: false })], prefer(['p1']))).toBe('POOL_UNREADY');
  });

  test('A-41 a preference for nothing is refused', () => {
    expect([decided([aPool('p1')], prefer([])), decided([aPool('p1')], { placement: { mode: 'prefer' } })]).toEqual([
      'invalid preferPools',
      'invalid preferPools',
    ]);
  });

  test('A-42 avoided pools are out in every mode', () => {
    expect(decided([aPool('p1'), aPool('p2')], { placement: { mode: 'prefer', preferPools: ['p1'], avoidPools: ['p1'] } })).toBe('p2');
  });

  test.each([
    ['absent', undefined],
    ['empty', {}],
    ['auto', { mode: 'auto', allowFallback: true }],
    ['auto with lists that other modes read', { mode: 'auto', pinPoolId: 'p2', preferPools: ['p2'] }],
  ] as const)('A-43 overrides that are %s are auto', (_, placement) => {
    const pools = [aPool('p1'), aPool('p2', { memoryFreeBytes: 0 })];
    expect(decide(anInput(pools, { placement }))).toEqual(decide(anInput(pools)));
  });

  test.each([
    ['is missing', [aPool('p1')], 'NODE_UNAVAILABLE'],
    ['is missing, as is everything', [], 'NODE_UNAVAILABLE'],
    ['is offline', [aPool('p1'), aPool('p2', { nodeId: 'node-2', nodeOnline: false })], 'NODE_UNAVAILABLE'],
    ['has only avoided pools', [aPool('p1'), aPool('p3', { nodeId: 'node-2' })], 'NO_CAPACITY'],
    ['is there', [aServingPool('p1'), aPool('p2', { nodeId: 'node-2' })], 'p2'],
  ])('A-44 a pinned node that %s', (_, pools, answer) => {
    expect(decided(pools, { placement: { nodeId: 'node-2', avoidPools: ['p3'] } })).toBe(answer);
  });
});

describe('ranking', () => {
  const ranked = (decision: PlacementDecision): string =>
    decision.kind === 'assigned'
      ? `${decision.replicaId ?? decision.poolId} by ${decision.log.tieBreakersApplied.join(' ')}`
      : decision.kind;

  test('A-50 A-53 a resident replica wins over a loading one, and that over none', () => {
    const none = aPool('p1');
    const loading = aServingPool('p2', { memoryFreeBytes: 0 }, { state: 'loading', activeSlots: 4 });
    const waiting = aServingPool('p3', { memoryFreeBytes: 0 }, { state: 'waiting' });
    const resident = aServingPool('p4', { memoryFreeBytes: 0 }, { slotsFree: 0, activeSlots: 4 });
    expect(
      [
        [none, loading, waiting, resident],
        [none, loading],
        [none, waiting],
      ].map((pools) => ranked(decide(anInput(pools)))),
    ).toEqual(['p4-r by residency', 'p2-r by residency', 'p3-r by residency']);
  });

  test('A-50 A-51 the pool with more free memory wins', () => {
    expect(ranked(decide(anInput([aPool('p1', { memoryFreeBytes: 12 * GIB }), aPool('p2', { memoryFreeBytes: 18 * GIB })])))).toBe(
      'p2 by memory_free',
    );
  });

  test('G-05 A-53 bytes below one MiB do not decide', () => {
    const pools = [aPool('p1', { memoryFreeBytes: GIB }), aPool('p2', { memoryFreeBytes: GIB + 1024 * 1024 - 1 })];
    expect(ranked(decide(anInput(pools)))).toBe('p1 by pool_id');
  });

  test('A-51 A-53 then fewer active slots of the replica', () => {
    expect(ranked(decide(anInput([aServingPool('p1', {}, { activeSlots: 2 }), aServingPool('p2', {}, { activeSlots: 1 })])))).toBe(
      'p2-r by active_slots',
    );
  });

  test('A-51 A-53 without a replica, fewer active slots of the pool', () => {
    const busy = { replicas: [aReplica('a', { modelKey: 'a', activeSlots: 1 }), aReplica('b', { modelKey: 'b', activeSlots: 1 })] };
    const idler = { replicas: [aReplica('c', { modelKey: 'c', activeSlots: 1 })] };
    expect(ranked(decide(anInput([aPool('p1', busy), aPool('p2', idler)])))).toBe('p2 by active_slots');
  });

  test('A-53 then more tokens per second, unknown last', () => {
    const pools = [aPool('p1'), aPool('p2', { perfTokensPerS: 10 }), aPool('p3', { perfTokensPerS: 20 })];
    expect([ranked(decide(anInput(pools))), ranked(decide(anInput(pools.slice(0, 2))))]).toEqual(['p3 by perf', 'p2 by perf']);
  });

  test('A-51 A-53 then node id, pool id, replica id by code unit', () => {
    const pools = [
      aPool('a', { nodeId: 'n2' }),
      aPool('b', { nodeId: 'n10', replicas: [aReplica('r2'), aReplica('r10'), aReplica('R3')] }),
      aServingPool('c', { nodeId: 'n10' }),
      aServingPool('a2', { nodeId: 'n2' }),
    ];
    expect(ranked(decide(anInput(pools)))).toBe('R3 by residency node_id pool_id replica_id');
  });

  test('A-52 A-53 the earliest predicted end goes before memory when every candidate gives its hints', () => {
    const fast = aServingPool('p2', { memoryFreeBytes: 0, perfTokensPerS: 100, firstTokenMs: 300, admissionLatencyMs: 100 });
    const slow = aServingPool('p1', { perfTokensPerS: 50, firstTokenMs: 300 });
    const job = { expectedTokens: 100 };
    expect(ranked(decide(anInput([slow, fast], job)))).toBe('p2-r by predicted_end');
  });

  test.each([
    ['decoding', { perfTokensPerS: 99 }],
    ['the first token', { firstTokenMs: 301 }],
    ['admission', { admissionLatencyMs: 1 }],
  ])('A-52 every part of the predicted end counts: %s', (_, later) => {
    const hints = { perfTokensPerS: 100, firstTokenMs: 300 };
    const pools = [aServingPool('p1', { ...hints, ...later }), aServingPool('p2', { ...hints, memoryFreeBytes: 0 })];
    expect(ranked(decide(anInput(pools, { expectedTokens: 100 })))).toBe('p2-r by predicted_end');
  });

  test.each([
    ['the task expects no number of tokens', {}, { perfTokensPerS: 50, firstTokenMs: 300 }],
    ['one gives no first-token time', { expectedTokens: 100 }, { perfTokensPerS: 50 }],
    ['one gives no speed', { expectedTokens: 100 }, { firstTokenMs: 300 }],
    ['one gives a speed of zero', { expectedTokens: 100 }, { perfTokensPerS: 0, firstTokenMs: 300 }],
    ['they are equal in whole milliseconds', { expectedTokens: 100 }, { perfTokensPerS: 100, firstTokenMs: 300.4 }],
  ])('A-53 the predicted end is not read when %s', (_, job, hints) => {
    const pools = [aServingPool('p1', hints), aServingPool('p2', { memoryFreeBytes: 0, perfTokensPerS: 100, firstTokenMs: 300 })];
    expect(ranked(decide(anInput(pools, job)))).toBe('p1-r by memory_free');
  });

  test('A-53 a hint that only a beaten candidate lacks does not spoil the comparison', () => {
    const pools = [
      aPool('p1'),
      aServingPool('p2', { perfTokensPerS: 50, firstTokenMs: 300 }),
      aServingPool('p3', { memoryFreeBytes: 0, perfTokensPerS: 100, firstTokenMs: 300 }),
    ];
    expect(ranked(decide(anInput(pools, { expectedTokens: 100 })))).toBe('p3-r by residency predicted_end');
  });
});

describe('affinity', () => {
  const warmth = (pools: PlacementInput['pools'], job: Partial<JobSpec>): unknown => {
    const decision = decide(anInput(pools, job));
    return (
      decision.kind === 'assigned' && [
        decision.replicaId ?? decision.poolId,
        decision.log.kvWarmth,
        decision.log.kvMigrated,
        decision.log.tieBreakersApplied,
      ]
    );
  };
  const tight = { memoryFreeBytes: 0 };

  test('A-54 a session stays on its last replica while that is feasible', () => {
    expect(warmth([aServingPool('p1'), aServingPool('p2', tight)], { affinityReplicaId: 'p2-r', affinityPoolId: 'p2' })).toEqual([
      'p2-r',
      true,
      false,
      ['affinity'],
    ]);
  });

  test('A-54 its last replica is enough to find it', () => {
    expect(warmth([aServingPool('p1'), aServingPool('p2', tight)], { affinityReplicaId: 'p2-r' })).toEqual([
      'p2-r',
      true,
      false,
      ['affinity'],
    ]);
  });

  test('A-54 its last pool is the next best, and its context is not there', () => {
    expect(warmth([aServingPool('p1'), aServingPool('p2', tight)], { affinityReplicaId: 'gone', affinityPoolId: 'p2' })).toEqual([
      'p2-r',
      false,
      false,
      ['affinity'],
    ]);
  });

  test('A-54 where only the pool is known, a resident replica in it is warm', () => {
    expect(warmth([aServingPool('p1'), aServingPool('p2', tight)], { affinityPoolId: 'p2' })).toEqual(['p2-r', true, false, ['affinity']]);
  });

  test('A-54 the move away is reported', () => {
    expect(warmth([aServingPool('p1'), aServingPool('p2', { ready: false })], { affinityReplicaId: 'p2-r' })).toEqual([
      'p1-r',
      false,
      false,
      [],
    ]);
  });

  test('A-54 a pool whose replica is gone is cold, and a resident replica elsewhere wins', () => {
    const job = { affinityPoolId: 'p2' };
    expect([warmth([aPool('p2')], job), warmth([aServingPool('p1'), aPool('p2')], job)]).toEqual([
      ['p2', false, false, []],
      ['p1-r', false, false, ['residency']],
    ]);
  });

  test('A-54 without a session there is nothing to be warm', () => {
    expect(warmth([aServingPool('p1')], {})).toEqual(['p1-r', null, null, []]);
  });
});
