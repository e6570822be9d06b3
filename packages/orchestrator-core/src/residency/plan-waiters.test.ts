import { describe, expect, test } from '@jest/globals';
import { aHeld, aNode, aPlace, aWanted, WORKING } from '../../test/residency-builders.js';
import { oldestWaiter, planWaiters } from './plan-waiters.js';
import type { ResidencyPool, WantedModel } from './residency-input.js';

describe('oldestWaiter', () => {
  const waiters = [
    { modelKey: 'd', priority: 'batch', arrivalSeq: 1 },
    { modelKey: 'c', priority: 'interactive', arrivalSeq: 3 },
    { modelKey: 'b', priority: 'interactive', arrivalSeq: 2 },
    { modelKey: 'a', priority: 'interactive', arrivalSeq: 3 },
  ] as const;

  test('G-21 interactive first, then arrival, then model key', () => {
    const turns = [waiters, waiters.slice(0, 2), waiters.slice(0, 1), [waiters[1], waiters[3]], []].map(
      (some) => oldestWaiter(some)?.modelKey ?? null,
    );
    expect(turns).toEqual(['b', 'c', 'd', 'a', null]);
  });
});

describe('planWaiters', () => {
  const planned = (wanted: readonly Partial<WantedModel>[], pools: readonly ResidencyPool[]): readonly string[] =>
    planWaiters(
      wanted.map((one, arrivalSeq) => ({ wanted: aWanted({ arrivalSeq, ...one }), nodes: [aNode('n1')] })),
      pools,
      { quantumMs: 500 },
    ).map(({ wanted: { modelKey }, plan }) => {
      const yields = plan.kind === 'load' ? plan.yields.map(({ replicaId }) => `-${replicaId}`) : [];
      const until = plan.kind === 'wait' ? [`${plan.untilMs} ms`, plan.reason] : [];
      return [modelKey, plan.kind, 'poolId' in plan ? plan.poolId : plan.reason, ...until, ...yields].join(' ');
    });

  test('G-21 the oldest is planned first, and what it takes is gone for the next', () => {
    const pools = [aPlace('p1', [aHeld('a1', { bytes: 9 })]), aPlace('p2', [], { queueMs: 10_000 })];
    expect(
      planned(
        [
          { modelKey: 'y', arrivalSeq: 9 },
          { modelKey: 'x', arrivalSeq: 1 },
        ],
        pools,
      ),
    ).toEqual(['x load p1 -a1', 'y wait p1 500 ms loading']);
  });

  test('G-21 room that is left serves the next', () => {
    expect(
      planned(
        [
          { modelKey: 'x', needBytes: 6 },
          { modelKey: 'y', needBytes: 4 },
          { modelKey: 'z', needBytes: 1 },
        ],
        [aPlace('p1')],
      ),
    ).toEqual(['x load p1', 'y load p1', 'z wait p1 500 ms loading']);
  });

  test('G-21 a younger one does not slip into the pool that an older one waits for', () => {
    const pools = [aPlace('p1', [aHeld('a1', { ...WORKING, bytes: 6 })])];
    const big = { modelKey: 'x', needBytes: 10 };
    const small = { modelKey: 'y', needBytes: 2 };
    expect([planned([small], pools), planned([big, small], pools), planned([small, big], pools)]).toEqual([
      ['y load p1'],
      ['x wait p1 500 ms quantum', 'y wait p1 500 ms turn'],
      ['y load p1', 'x wait p1 500 ms quantum'],
    ]);
  });

  test('G-21 a younger one whose model is there all the same keeps its replica', () => {
    const pools = [aPlace('p1', [aHeld('a1', WORKING)])];
    expect(planned([{ modelKey: 'x', needBytes: 10 }, { modelKey: 'a' }], pools)).toEqual(['x wait p1 500 ms quantum', 'a already p1']);
  });

  test('G-20 two that want one model make one load', () => {
    expect(planned([{ modelKey: 'x' }, { modelKey: 'x' }], [aPlace('p1')])).toEqual(['x load p1', 'x already p1']);
  });

  test('G-21 a younger one takes a pool that nobody older waits for', () => {
    const pools = [aPlace('p1', [aHeld('a1', { ...WORKING, servingMs: 499 })]), aPlace('p2', [], { memoryTotalBytes: 6 })];
    expect(planned([{ modelKey: 'x', needBytes: 10 }, { modelKey: 'y' }], pools)).toEqual(['x wait p1 1 ms quantum', 'y load p2']);
  });

  test('G-21 one that can be nowhere holds up nobody', () => {
    expect(planned([{ modelKey: 'x', needBytes: 99 }, { modelKey: 'y' }], [aPlace('p1')])).toEqual(['x impossible too_large', 'y load p1']);
  });

  test('G-21 waiting for its turn does not hide that a model can be nowhere', () => {
    const pools = [aPlace('p1', [aHeld('a1', WORKING)])];
    expect(
      planned(
        [
          { modelKey: 'x', needBytes: 10 },
          { modelKey: 'y', needBytes: 11 },
        ],
        pools,
      ),
    ).toEqual(['x wait p1 500 ms quantum', 'y impossible too_large']);
  });

  test('C-264 one that its node had no room for holds up nobody meanwhile', () => {
    expect(planned([{ modelKey: 'x', needBytes: 10, refusedIn: new Map([['p1', 300]]) }, { modelKey: 'y', needBytes: 4 }], [aPlace('p1')])).toEqual(['x wait p1 300 ms room', 'y load p1']);
  });

  test('G-20 a restriction to pools holds here too', () => {
    const only = { poolIds: new Set(['p2']) };
    expect(planned([{ modelKey: 'x', ...only }], [aPlace('p1', [aHeld('x1')]), aPlace('p2')])).toEqual(['x load p2']);
  });
});
