import { describe, expect, test } from '@jest/globals';
import { aHeld, aNode, aPlace, aResidencyInput, WORKING } from '../../test/residency-builders.js';
import { planResidency } from './plan-residency.js';
import type { ResidencyInput, ResidencyPool, ResidencyReplica, WantedModel } from './residency-input.js';
import type { LoadCost, ResidencyPlan } from './residency-plan.js';

const cost = (parts: Partial<LoadCost>): LoadCost => {
  const all = { queueMs: 0, waitMs: 0, drainMs: 0, fetchMs: 0, loadMs: 0, yieldMs: 0, ...parts };
  return { ...all, totalMs: Object.values(all).reduce((sum, ms) => sum + ms, 0) };
};
const ASKED = { tier: 'demand', source: 'demand', priority: 'interactive', waitingMs: 0 } as const;

/** The plan in a few words. */
function told(plan: ResidencyPlan): string {
  switch (plan.kind) {
    case 'already':
      return `already ${plan.replicaId} ${plan.state}`;
    case 'fetch':
      return `fetch to ${plan.poolId}: ${plan.because}`;
    case 'load':
      return [`load ${plan.poolId}`, ...plan.yields.map((it) => `${it.mode} ${it.replicaId} ${it.reason}`)].join(', ');
    case 'wait':
      return `wait for ${plan.poolId} ${plan.untilMs} ms: ${plan.blockedBy.map((it) => `${it.replicaId} ${it.because}`).join(', ')}`;
    case 'impossible':
      return [`impossible ${plan.reason}`, ...plan.heldBy.map((it) => `${it.replicaId} ${it.because}`)].join(', ');
  }
}

const planned = (pools: readonly ResidencyPool[], wanted: Partial<WantedModel> = {}, with_: Partial<ResidencyInput> = {}): string =>
  told(planResidency(aResidencyInput(pools, wanted, with_)));

describe('a plan says everything', () => {
  test('G-20 a load into free memory names node, pool, steps and cost', () => {
    expect(planResidency(aResidencyInput([aPlace('p1', [aHeld('a1')])]))).toEqual({
      kind: 'load',
      poolId: 'p1',
      nodeId: 'n1',
      yields: [],
      steps: [{ kind: 'load', replicaId: null, bytes: 6, estimatedMs: 600 }],
      costMs: 600,
      why: {
        asked: ASKED,
        needBytes: 6,
        freeBytes: 6,
        weights: 'on_disk',
        cost: cost({ loadMs: 600 }),
        poolsConsidered: 1,
        runnerUp: null,
      },
    });
  });

  test('G-21 what yields says why and how, and its steps come first', () => {
    const busy = aHeld('b1', { ...WORKING, servingMs: 500, queued: 2 });
    const plan = planResidency(aResidencyInput([aPlace('p1', [busy, aHeld('a1')])], { needBytes: 10, weightsBytes: 5, waitingMs: 70 }));
    const costs = cost({ drainMs: 300, loadMs: 500, yieldMs: 400 + 3 * 400 });
    expect(plan).toEqual({
      kind: 'load',
      poolId: 'p1',
      nodeId: 'n1',
      yields: [
        { replicaId: 'b1', modelKey: 'b', mode: 'drain', reason: 'quantum_over', bytes: 4 },
        { replicaId: 'a1', modelKey: 'a', mode: 'drop', reason: 'idle_demand', bytes: 4 },
      ],
      steps: [
        { kind: 'drop', replicaId: 'a1', bytes: 4, estimatedMs: 0 },
        { kind: 'drain', replicaId: 'b1', bytes: 4, estimatedMs: 300 },
        { kind: 'load', replicaId: null, bytes: 5, estimatedMs: 500 },
      ],
      costMs: costs.totalMs,
      why: {
        asked: { ...ASKED, waitingMs: 70 },
        needBytes: 10,
        freeBytes: 2,
        weights: 'on_disk',
        cost: costs,
        poolsConsidered: 1,
        runnerUp: null,
      },
    });
  });

  test('G-21 a wait says who blocks, why, and when to ask again', () => {
    const busy = aHeld('b1', { ...WORKING, servingMs: 100 });
    const plan = planResidency(
      aResidencyInput([aPlace('p1', [busy]), aPlace('p2', [aHeld('c1', { bytes: 9, pinned: true })])], { needBytes: 8 }),
    );
    const costs = cost({ waitMs: 400, drainMs: 300, loadMs: 800, yieldMs: 400 });
    expect(plan).toEqual({
      kind: 'wait',
      poolId: 'p1',
      nodeId: 'n1',
      untilMs: 400,
      reason: 'quantum',
      blockedBy: [{ replicaId: 'b1', modelKey: 'b', because: 'quantum', untilMs: 400 }],
      why: { asked: ASKED, needBytes: 8, freeBytes: 6, weights: 'on_disk', cost: costs, poolsConsidered: 2, runnerUp: null },
    });
  });

  test('G-21 what cannot be says what is needed, what there is, and who holds it', () => {
    const pools = [aPlace('p2', [aHeld('b1', { pinned: true }), aHeld('a1', { tier: 'hot' })]), aPlace('p1', [], { memoryTotalBytes: 5 })];
    expect(planResidency(aResidencyInput(pools, { needBytes: 8 }))).toEqual({
      kind: 'impossible',
      reason: 'held',
      neededBytes: 8,
      largestPoolBytes: 10,
      heldBy: [
        { replicaId: 'a1', poolId: 'p2', because: 'hot' },
        { replicaId: 'b1', poolId: 'p2', because: 'pinned' },
      ],
      poolsConsidered: 2,
    });
  });
});

describe('already', () => {
  test.each([
    ['resident', 'already w1 resident'],
    ['loading', 'already w1 loading'],
    ['waiting', 'already w1 waiting'],
    ['draining', 'load p1'],
    ['failed', 'load p1'],
  ] as const)('G-20 a replica that is %s: %s', (state, answer) => {
    expect(planned([aPlace('p1', [aHeld('w1', { state })])])).toBe(answer);
  });

  test('G-20 a resident one before one that loads, then the smallest id', () => {
    const pools = [aPlace('p1', [aHeld('w0', { state: 'loading' })]), aPlace('p2', [aHeld('w3'), aHeld('w2')])];
    expect(planned(pools)).toBe('already w2 resident');
  });

  test('G-20 a replica in a pool that may not take it does not count', () => {
    expect(planned([aPlace('p1', [aHeld('w1')]), aPlace('p2')], { poolIds: new Set(['p2']) })).toBe('load p2');
  });
});

describe('fetch', () => {
  test('G-20 a model of unknown size is fetched first, where the weights are, else in the largest pool', () => {
    const pools = [aPlace('p1'), aPlace('p2', [], { memoryTotalBytes: 20 }), aPlace('p3', [], { nodeId: 'n2' })];
    const nodes = [aNode('n1', { weights: 'absent' }), aNode('n2')];
    const wanted = { needBytes: null, weightsBytes: 4 };
    expect([
      planResidency(aResidencyInput(pools, wanted, { nodes })),
      planResidency(aResidencyInput(pools.slice(0, 2), wanted, { nodes })),
    ]).toEqual([
      { kind: 'fetch', poolId: 'p3', nodeId: 'n2', because: 'size_unknown', bytes: 0, estimatedMs: 0, poolsConsidered: 3 },
      { kind: 'fetch', poolId: 'p2', nodeId: 'n1', because: 'size_unknown', bytes: 4, estimatedMs: 2_000, poolsConsidered: 2 },
    ]);
  });

  test('G-20 a model of unknown size goes where most memory is free, unless that pool is less than half of the largest', () => {
    const unknown = { needBytes: null };
    const busy = aPlace('p1', [aHeld('a1', { bytes: 8 })], { memoryTotalBytes: 10 });
    expect([
      planned([busy, aPlace('p2', [], { memoryTotalBytes: 9 })], unknown),
      planned([busy, aPlace('p2', [], { memoryTotalBytes: 4 })], unknown),
      planned([busy, aPlace('p2', [aHeld('a2', { bytes: 8 })], { memoryTotalBytes: 11 })], unknown),
    ]).toEqual(['fetch to p2: size_unknown', 'fetch to p1: size_unknown', 'fetch to p2: size_unknown']);
  });

  test('G-20 without a known file size the fetch has no estimate', () => {
    const plan = planResidency(aResidencyInput([aPlace('p1')], { needBytes: null }, { nodes: [aNode('n1', { weights: 'absent' })] }));
    expect(plan).toEqual({
      kind: 'fetch',
      poolId: 'p1',
      nodeId: 'n1',
      because: 'size_unknown',
      bytes: null,
      estimatedMs: null,
      poolsConsidered: 1,
    });
  });

  test('G-20 weights that the best node lacks are fetched before anything yields', () => {
    const pools = [aPlace('p1', [aHeld('a1', { bytes: 10 })])];
    expect(planResidency(aResidencyInput(pools, {}, { nodes: [aNode('n1', { weights: 'absent' })] }))).toEqual({
      kind: 'fetch',
      poolId: 'p1',
      nodeId: 'n1',
      because: 'weights_absent',
      bytes: 6,
      estimatedMs: 3_000,
      poolsConsidered: 1,
    });
  });

  test('G-20 where the size is known for one kind of pool, the model goes there rather than to be measured elsewhere', () => {
    const pools = [aPlace('p1'), aPlace('p2', [], { memoryTotalBytes: 99 })];
    expect([
      planned(pools, { needBytes: 6, needBytesIn: new Map([['p2', null]]) }),
      planned(pools, { needBytes: 11, needBytesIn: new Map([['p2', null]]) }),
      planned(pools, { needBytes: null, needBytesIn: new Map([['p1', 11]]) }),
    ]).toEqual(['load p1', 'fetch to p2: size_unknown', 'fetch to p2: size_unknown']);
  });
});

describe('who yields', () => {
  const overdue = { ...WORKING, servingMs: 500 };

  test.each<[title: string, replicas: readonly ResidencyReplica[], need: number, answer: string]>([
    ['nobody while there is room', [aHeld('a1')], 6, 'load p1'],
    ['the one idle longest', [aHeld('a1', { idleMs: 1 }), aHeld('b1', { idleMs: 2 })], 6, 'load p1, drop b1 idle_demand'],
    ['equally idle: the smallest id', [aHeld('b1'), aHeld('a1')], 6, 'load p1, drop a1 idle_demand'],
    ['demand before a stronger wish', [aHeld('a1', { tier: 'cold', idleMs: 9_000 }), aHeld('b1')], 6, 'load p1, drop b1 idle_demand'],
    [
      'an idle one of a stronger wish before a busy demand one',
      [aHeld('a1', overdue), aHeld('b1', { tier: 'warm' })],
      6,
      'load p1, drop b1 idle',
    ],
    [
      'of busy ones the one with the least work',
      [aHeld('a1', { ...overdue, queued: 1 }), aHeld('b1', overdue)],
      6,
      'load p1, drain b1 quantum_over',
    ],
    [
      'one that only has tasks waiting is dropped',
      [aHeld('a1', { queued: 1, idleMs: 0, servingMs: 500 })],
      10,
      'load p1, drop a1 quantum_over',
    ],
    ['one, where one is enough', [aHeld('a1', { bytes: 2, idleMs: 9_000 }), aHeld('b1', { bytes: 6 })], 8, 'load p1, drop b1 idle_demand'],
    ['as many as needed', [aHeld('a1'), aHeld('b1', { idleMs: 2_000 })], 9, 'load p1, drop b1 idle_demand, drop a1 idle_demand'],
    ['never a failed one: it is gone', [aHeld('a1', { state: 'failed', bytes: 10 })], 10, 'load p1'],
  ])('G-21 %s', (_, replicas, needBytes, answer) => {
    expect(planned([aPlace('p1', replicas)], { needBytes })).toBe(answer);
  });

  test('G-21 never a pinned one, whatever is wanted', () => {
    const pools = [aPlace('p1', [aHeld('a1', { pinned: true, tier: 'demand' })])];
    expect([planned(pools, { needBytes: 8 }), planned(pools, { needBytes: 8, tier: 'hot', source: 'api_load' })]).toEqual([
      'impossible held, a1 pinned',
      'impossible held, a1 pinned',
    ]);
  });

  test.each([
    ['demand', 'demand', 'impossible held, a1 hot'],
    ['cold', 'api_load', 'impossible held, a1 hot'],
    ['warm', 'api_load', 'impossible held, a1 hot'],
    ['hot', 'startup', 'impossible held, a1 hot'],
    ['hot', 'api_load', 'load p1, drop a1 idle_hot'],
    ['hot', 'demand', 'load p1, drop a1 idle_hot'],
  ] as const)('G-21 a hot one, when tier %s is wanted by %s: %s', (tier, source, answer) => {
    expect(planned([aPlace('p1', [aHeld('a1', { tier: 'hot' })])], { needBytes: 8, tier, source })).toBe(answer);
  });

  test('G-21 for a hot wish: idle by wish, then busy by wish', () => {
    const replicas = [
      aHeld('a1', { bytes: 2, ...overdue }),
      aHeld('b1', { bytes: 2, tier: 'hot' }),
      aHeld('c1', { bytes: 2, tier: 'hot', ...overdue }),
      aHeld('d1', { bytes: 2, tier: 'warm' }),
      aHeld('e1', { bytes: 2 }),
    ];
    const yielding = [2, 4, 6, 8, 10].map((needBytes) => {
      const plan = planResidency(aResidencyInput([aPlace('p1', replicas)], { needBytes, tier: 'hot', source: 'api_load' }));
      return plan.kind === 'load' && plan.yields.map(({ replicaId }) => replicaId).join(' ');
    });
    expect(yielding).toEqual(['e1', 'd1 e1', 'b1 d1 e1', 'a1 b1 d1 e1', 'c1 a1 b1 d1 e1']);
  });

  test('G-21 a protected one that drains already holds nothing', () => {
    const pools = [aPlace('p1', [aHeld('a1', { pinned: true }), aHeld('b1', { pinned: true, state: 'draining' })])];
    expect(planned(pools, { needBytes: 8 })).toBe('impossible held, a1 pinned');
  });

  test('G-21 a pool that holds only so many replicas makes room by number, too', () => {
    const pools = [aPlace('p1', [aHeld('a1', { bytes: 1 }), aHeld('b1', { bytes: 2, idleMs: 2_000 })], { replicasMax: 2 })];
    expect(planned(pools, { needBytes: 1 })).toBe('load p1, drop b1 idle_demand');
  });
});

describe('the quantum', () => {
  const busy = (servingMs: number): Partial<ResidencyReplica> => ({ ...WORKING, servingMs });

  test.each([
    [499, 'wait for p1 1 ms: a1 quantum'],
    [500, 'load p1, drain a1 quantum_over'],
  ])('G-21 a busy replica that has served %d of 500 ms while others wait: %s', (servingMs, answer) => {
    expect(planned([aPlace('p1', [aHeld('a1', busy(servingMs))])], { needBytes: 8 })).toBe(answer);
  });

  test('C-202 whom an operator asks for waits for none of a replica that serves, which is drained; one that loads has its turn first', () => {
    const asked = { immediate: true, source: 'api_load' } as const;
    expect(planned([aPlace('p', [aHeld('a1', { ...WORKING, bytes: 8, servingMs: 1 })])], asked)).toBe('load p, drain a1 asked');
    expect(planned([aPlace('p', [aHeld('a1', { bytes: 8, queued: 3 })])], asked)).toBe('load p, drop a1 asked');
    expect(planned([aPlace('p', [aHeld('a1', { bytes: 8, state: 'loading' })])], asked)).toBe('wait for p 500 ms: a1 loading');
    expect(planned([aPlace('p', [aHeld('a1', { ...WORKING, bytes: 8, tier: 'hot' })])], asked)).toBe('impossible held, a1 hot');
  });

  test('G-21 an idle replica yields at once', () => {
    expect(planned([aPlace('p1', [aHeld('a1', { servingMs: 0, idleMs: 0 })])], { needBytes: 8 })).toBe('load p1, drop a1 idle_demand');
  });

  test('G-21 with tasks waiting for it a replica is busy between requests', () => {
    expect(planned([aPlace('p1', [aHeld('a1', { queued: 1, servingMs: 100 })])], { needBytes: 8 })).toBe('wait for p1 400 ms: a1 quantum');
  });

  test('G-21 it waits only for the first that suffices', () => {
    const replicas = [aHeld('a1', busy(100)), aHeld('b1', busy(300))];
    expect(planned([aPlace('p1', replicas)], { needBytes: 6 })).toBe('wait for p1 200 ms: b1 quantum');
  });

  test('G-21 of several that block the last one says when to ask again', () => {
    const replicas = [aHeld('a1', busy(100)), aHeld('b1', { state: 'loading' })];
    expect(planResidency(aResidencyInput([aPlace('p1', replicas)], { needBytes: 10 }))).toMatchObject({
      kind: 'wait',
      untilMs: 500,
      reason: 'loading',
      blockedBy: [
        { replicaId: 'a1', because: 'quantum', untilMs: 400 },
        { replicaId: 'b1', because: 'loading', untilMs: 500 },
      ],
    });
  });

  test('G-21 one that loads has its turn first', () => {
    expect([
      planned([aPlace('p1', [aHeld('a1', { state: 'loading' })])], { needBytes: 8 }),
      planned([aPlace('p1', [aHeld('a1', { state: 'waiting' })])], { needBytes: 8 }, { policy: { quantumMs: 0 } }),
    ]).toEqual(['wait for p1 500 ms: a1 loading', 'wait for p1 1 ms: a1 loading']);
  });
});

describe('what drains already', () => {
  const leaving = aHeld('a1', { state: 'draining', leases: 1, drainEstimateMs: 250 });

  test('G-21 its room is used, and nobody else yields for it', () => {
    const plan = planResidency(aResidencyInput([aPlace('p1', [leaving, aHeld('b1')])]));
    expect(plan).toMatchObject({
      kind: 'load',
      yields: [],
      steps: [
        { kind: 'drain', replicaId: 'a1', bytes: 4, estimatedMs: 250 },
        { kind: 'load', replicaId: null, bytes: 6, estimatedMs: 600 },
      ],
      why: { freeBytes: 2, cost: cost({ drainMs: 250, loadMs: 600 }) },
    });
  });

  test('G-21 room that an ordered load was promised is not promised again', () => {
    const pools = [aPlace('p1', [leaving, aHeld('b1', { state: 'waiting' }), aHeld('c1', { bytes: 3, idleMs: 0 })])];
    expect([planned(pools, { needBytes: 3 }), planned(pools, { needBytes: 4 })]).toEqual(['load p1', 'load p1, drop c1 idle_demand']);
  });

  test.each([
    ['what yields is room enough', [leaving, aHeld('b1', { bytes: 6 })], null, 'drop load'],
    ['what yields is not', [leaving, aHeld('b1', { bytes: 5 }), aHeld('c1', { bytes: 1, pinned: true })], null, 'drop drain load'],
    ['it takes a place that is needed', [leaving], 1, 'drain load'],
    ['it takes a place that is needed, beside one that failed', [leaving, aHeld('b1', { state: 'failed' })], 1, 'drain load'],
    ['there is another place', [leaving], 2, 'load'],
    ['what yields leaves a place', [leaving, aHeld('b1', { bytes: 6 })], 2, 'drop load'],
    ['what yields leaves none', [leaving, aHeld('b1', { bytes: 6 })], 1, 'drop drain load'],
  ])('G-21 whether it is waited for: %s', (_, replicas, replicasMax, kinds) => {
    const plan = planResidency(aResidencyInput([aPlace('p1', replicas, { replicasMax })]));
    expect(plan.kind === 'load' && plan.steps.map(({ kind }) => kind).join(' ')).toBe(kinds);
  });

  test('G-21 a load that fits without it does not wait for it', () => {
    expect(planResidency(aResidencyInput([aPlace('p1', [leaving])]))).toMatchObject({ kind: 'load', costMs: 600 });
  });
});

describe('which pool', () => {
  const staged = aNode('n2', { weights: 'staged' });

  test('G-20 the pool whose total cost is smallest, and the runner-up is told', () => {
    const pools = [aPlace('p1'), aPlace('p2', [aHeld('a1')], { nodeId: 'n2' })];
    expect(planResidency(aResidencyInput(pools, {}, { nodes: [aNode('n1'), staged] }))).toMatchObject({
      kind: 'load',
      poolId: 'p2',
      costMs: 150,
      why: { weights: 'staged', poolsConsidered: 2, runnerUp: { poolId: 'p1', outcome: 'load', totalMs: 600 } },
    });
  });

  test.each<[title: string, pools: readonly ResidencyPool[], answer: string]>([
    ['free room before a yield', [aPlace('p1', [aHeld('a1', { bytes: 5 })]), aPlace('p2')], 'load p2'],
    [
      'weights in RAM are worth a small yield',
      [aPlace('p1'), aPlace('p2', [aHeld('a1', { bytes: 4 }), aHeld('b1', { bytes: 3, pinned: true })], { nodeId: 'n2' })],
      'load p2, drop a1 idle_demand',
    ],
    ['but not a large one', [aPlace('p1'), aPlace('p2', [aHeld('a1', { bytes: 5 })], { nodeId: 'n2' })], 'load p1'],
    [
      'a short wait is cheaper than a long drain',
      [
        aPlace('p1', [aHeld('a1', { ...WORKING, servingMs: 500, drainEstimateMs: 900 })]),
        aPlace('p2', [aHeld('b1', { queued: 1, servingMs: 499 })]),
      ],
      'wait for p2 1 ms: b1 quantum',
    ],
    ['what the node has to do first counts', [aPlace('p1', [], { queueMs: 1 }), aPlace('p2')], 'load p2'],
    [
      'tasks that wait for what would yield count each',
      [aPlace('p1', [aHeld('a1', { queued: 3, servingMs: 500 })]), aPlace('p2', [aHeld('b1', { queued: 2, servingMs: 500 })])],
      'load p2, drop b1 quantum_over',
    ],
    [
      'at equal cost: what can start at once',
      [
        aPlace('p1', [aHeld('a1', { queued: 1, servingMs: 400 })]),
        aPlace('p2', [aHeld('b1', { queued: 1, servingMs: 500 })], { queueMs: 100 }),
      ],
      'load p2, drop b1 quantum_over',
    ],
    [
      'weights that have to be fetched first cost their fetch',
      [aPlace('p1', [], { nodeId: 'n3' }), aPlace('p2', [aHeld('a1')])],
      'load p2, drop a1 idle_demand',
    ],
    ['then the smaller node id, then the smaller pool id', [aPlace('p3'), aPlace('p2'), aPlace('p1', [], { nodeId: 'n9' })], 'load p2'],
  ])('G-20 %s', (_, pools, answer) => {
    expect(
      planned(pools, { needBytes: 7, weightsBytes: 6 }, { nodes: [aNode('n1'), staged, aNode('n3', { weights: 'absent' }), aNode('n9')] }),
    ).toBe(answer);
  });

  test.each([
    [499, 'wait for p2 1 ms: b1 quantum'],
    [500, 'load p1, drain a1 quantum_over'],
  ])('G-21 a model that has waited %d ms of a quantum of 500: %s', (waitingMs, answer) => {
    const slow = aPlace('p1', [aHeld('a1', { ...WORKING, servingMs: 500, drainEstimateMs: 900 })]);
    const soon = aPlace('p2', [aHeld('b1', { queued: 1, servingMs: 499 })]);
    expect(
      [
        [slow, soon],
        [soon, slow],
      ].map((pools) => planned(pools, { needBytes: 7, waitingMs })),
    ).toEqual([answer, answer]);
  });

  test('G-21 a model that has waited a quantum takes the shortest wait, and a fetch last', () => {
    const pools = [
      aPlace('p1', [aHeld('a1', { queued: 9, servingMs: 300 })]),
      aPlace('p2', [aHeld('b1', { queued: 1, servingMs: 100 })]),
      aPlace('p3', [], { nodeId: 'n2' }),
    ];
    const nodes = [aNode('n1'), aNode('n2', { weights: 'absent', bytesPerS: { staged: 1e9, onDisk: 1e9, network: 1e9 } })];
    const plans = [0, 500].map((waitingMs) =>
      [pools, pools.toReversed()].map((some) => planned(some, { needBytes: 7, waitingMs }, { nodes })),
    );
    const [cheapest, soonest] = ['fetch to p3: weights_absent', 'wait for p1 200 ms: a1 quantum'];
    expect(plans).toEqual([
      [cheapest, cheapest],
      [soonest, soonest],
    ]);
  });

  test('G-20 weights on the device cost nothing to move', () => {
    expect(planResidency(aResidencyInput([aPlace('p1')], {}, { nodes: [aNode('n1', { weights: 'device' })] }))).toMatchObject({
      kind: 'load',
      steps: [{ kind: 'load', replicaId: null, bytes: 0, estimatedMs: 0 }],
      costMs: 0,
    });
  });
});

describe('impossible', () => {
  test.each<[title: string, pools: readonly ResidencyPool[], with_: Partial<ResidencyInput>, answer: string, largest: number]>([
    ['no pools', [], {}, 'impossible no_pool', 0],
    ['a pool that holds no replicas', [aPlace('p1', [], { replicasMax: 0 })], {}, 'impossible no_pool', 0],
    ['larger than every pool', [aPlace('p1'), aPlace('p2', [], { memoryTotalBytes: 19 })], {}, 'impossible too_large', 19],
    ['larger than what others leave', [aPlace('p1', [], { memoryTotalBytes: 30, memoryOtherBytes: 15 })], {}, 'impossible too_large', 15],
    [
      'no weights and no way to fetch them',
      [aPlace('p1')],
      { nodes: [aNode('n1', { weights: 'absent', canFetch: false })] },
      'impossible weights_unavailable',
      10,
    ],
    ['a pool on a node that nothing is known of', [aPlace('p1')], { nodes: [] }, 'impossible weights_unavailable', 10],
    [
      'the nearest miss is named',
      [aPlace('p1'), aPlace('p2', [aHeld('a1', { pinned: true })], { memoryTotalBytes: 20 })],
      {},
      'impossible held, a1 pinned',
      20,
    ],
    [
      'a protected replica takes the only place',
      [aPlace('p1', [aHeld('a1', { pinned: true })], { memoryTotalBytes: 99, replicasMax: 1 })],
      {},
      'impossible held, a1 pinned',
      99,
    ],
  ])('G-21 %s', (_, pools, with_, answer, largest) => {
    const plan = planResidency(aResidencyInput(pools, { needBytes: 20 }, with_));
    expect([told(plan), plan.kind === 'impossible' && plan.largestPoolBytes]).toEqual([answer, largest]);
  });
});

describe('a pool whose node has just had no room', () => {
  const refusedIn = new Map([['p1', 400]]);

  test('C-264 it is asked again after the wait, whoever would yield then', () => {
    expect(planResidency(aResidencyInput([aPlace('p1', [aHeld('a1', { bytes: 10 })])], { refusedIn }))).toMatchObject({ kind: 'wait', poolId: 'p1', untilMs: 400, reason: 'room', blockedBy: [] });
    const busy = aHeld('b1', { ...WORKING, bytes: 10, servingMs: 200 });
    expect(planResidency(aResidencyInput([aPlace('p1', [busy])], { refusedIn }))).toMatchObject({ kind: 'wait', untilMs: 400, reason: 'room' });
    expect(planResidency(aResidencyInput([aPlace('p1', [{ ...busy, servingMs: 0 }])], { refusedIn }))).toMatchObject({ kind: 'wait', untilMs: 500, reason: 'quantum' });
    expect(planned([aPlace('p1', [aHeld('a1', { bytes: 10 })])], { refusedIn: new Map([['p1', 0]]) })).toBe('load p1, drop a1 idle_demand');
  });

  test('C-264 another pool takes it meanwhile where that is cheaper', () => {
    expect(planned([aPlace('p1'), aPlace('p2')], { refusedIn })).toBe('load p2');
  });

  test('B-55 where nothing could ever yield, waiting for room hides nothing', () => {
    expect(planned([aPlace('p1', [aHeld('a1', { bytes: 10, pinned: true })])], { refusedIn })).toBe('impossible held, a1 pinned');
    expect(planned([aPlace('p1')], { refusedIn, needBytes: 11 })).toBe('impossible too_large');
  });
});
