import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { aHeld, aNode, aPlace, aResidencyInput } from '../../test/residency-builders.js';
import { planResidency } from './plan-residency.js';
import type { ResidencyInput, ResidencyPool, ResidencyReplica } from './residency-input.js';
import type { ResidencyPlan } from './residency-plan.js';
import { isBusy, protectionOf, stays } from './yield-rules.js';

const anyTier = fc.constantFrom('hot' as const, 'warm' as const, 'cold' as const, 'demand' as const, 'demand' as const);

const anyReplica = fc.record({
  modelKey: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'w'),
  bytes: fc.nat(6),
  state: fc.constantFrom<ResidencyReplica['state'][]>('waiting', 'loading', 'resident', 'resident', 'resident', 'draining', 'failed'),
  leases: fc.constantFrom(0, 0, 2),
  queued: fc.constantFrom(0, 0, 1),
  tier: anyTier,
  pinned: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
  servingMs: fc.constantFrom(0, 400, 500, 900),
  idleMs: fc.nat(3),
  drainEstimateMs: fc.nat(300),
});

const anyPool = fc
  .record({
    nodeId: fc.constantFrom('n1', 'n2'),
    memoryTotalBytes: fc.integer({ min: 0, max: 20 }),
    memoryOtherBytes: fc.constantFrom(undefined, 1),
    replicasMax: fc.option(fc.nat(3)),
    queueMs: fc.constantFrom(undefined, 100),
    replicas: fc.array(anyReplica, { maxLength: 5 }),
  })
  .map(({ replicas, ...pool }) => ({ pool, replicas }));

const anyInput: fc.Arbitrary<ResidencyInput> = fc
  .record({
    pools: fc.array(anyPool, { maxLength: 4 }),
    nodes: fc.tuple(
      ...['n1', 'n2'].map((nodeId) =>
        fc
          .record({
            weights: fc.constantFrom('device' as const, 'staged' as const, 'on_disk' as const, 'absent' as const),
            canFetch: fc.boolean(),
          })
          .map((node) => aNode(nodeId, node)),
      ),
    ),
    wanted: fc.record({
      needBytes: fc.option(fc.integer({ min: 0, max: 12 }), { freq: 8 }),
      weightsBytes: fc.option(fc.nat(12)),
      tier: anyTier,
      source: fc.constantFrom('api_load' as const, 'demand' as const, 'startup' as const),
      needBytesIn: fc.constantFrom(undefined, new Map([['p1', null]]), new Map([['p1', 3]])),
    }),
  })
  .map(({ pools, nodes, wanted }) => {
    const places = pools.map(({ pool, replicas }, n) =>
      aPlace(
        `p${n}`,
        replicas.map((replica, m) => aHeld(`p${n}r${m}`, replica)),
        pool,
      ),
    );
    return aResidencyInput(places, wanted, { nodes });
  });

const RUNS = { numRuns: 2_000 };

const placeOf = (input: ResidencyInput, poolId: string): ResidencyPool => {
  const pool = input.pools.find((it) => it.poolId === poolId);
  if (pool === undefined) throw new Error(`the plan names ${poolId}, which is not in the input`);
  return pool;
};

/** Whether the wanted model fits into the pool when the replicas with these ids, and all that drain, are gone. */
function fitsWithout({ wanted }: ResidencyInput, pool: ResidencyPool, gone: readonly string[]): boolean {
  const left = pool.replicas.filter((replica) => stays(replica) && !gone.includes(replica.replicaId));
  const here = wanted.needBytesIn?.get(pool.poolId);
  const needBytes = here === undefined ? wanted.needBytes : here;
  if (needBytes === null) return false;
  const bytes = left.reduce((sum, replica) => sum + replica.bytes, needBytes + (pool.memoryOtherBytes ?? 0));
  return bytes <= pool.memoryTotalBytes && left.length + 1 <= (pool.replicasMax ?? Infinity);
}

const onPlan = <K extends ResidencyPlan['kind']>(
  kind: K,
  check: (input: ResidencyInput, plan: Extract<ResidencyPlan, { kind: K }>) => void,
): void => {
  let seen = 0;
  fc.assert(
    fc.property(anyInput, (input) => {
      const plan = planResidency(input);
      if (plan.kind !== kind) return;
      seen += 1;
      check(input, plan as Extract<ResidencyPlan, { kind: K }>);
    }),
    RUNS,
  );
  expect(seen).toBeGreaterThan(20);
};

describe('planResidency, properties', () => {
  test('G-20 G-21 what is planned fits', () => {
    onPlan('load', (input, plan) => {
      const yields = plan.yields.map(({ replicaId }) => replicaId);
      expect(fitsWithout(input, placeOf(input, plan.poolId), yields)).toBe(true);
    });
  });

  test('G-21 no yield is superfluous', () => {
    onPlan('load', (input, plan) => {
      const yields = plan.yields.map(({ replicaId }) => replicaId);
      const spared = yields.filter((id) =>
        fitsWithout(
          input,
          placeOf(input, plan.poolId),
          yields.filter((other) => other !== id),
        ),
      );
      expect(spared).toEqual([]);
    });
  });

  test('G-21 never yields: pinned, hot for a weaker wish, within the quantum, not resident', () => {
    onPlan('load', (input, plan) => {
      const replicas = placeOf(input, plan.poolId).replicas.filter(({ replicaId }) => plan.yields.some((it) => it.replicaId === replicaId));
      const wrong = replicas.filter(
        (replica) =>
          replica.pinned ||
          (replica.tier === 'hot' && (input.wanted.tier !== 'hot' || input.wanted.source === 'startup')) ||
          (isBusy(replica) && replica.servingMs < input.policy.quantumMs) ||
          replica.state !== 'resident',
      );
      expect({ yields: replicas.length, wrong }).toEqual({ yields: plan.yields.length, wrong: [] });
    });
  });

  test('G-21 what works is drained, what does not is dropped, and the cost is the sum of its parts', () => {
    onPlan('load', (input, plan) => {
      const { totalMs, ...parts } = plan.why.cost;
      expect([totalMs, plan.costMs]).toEqual([Object.values(parts).reduce((sum, ms) => sum + ms, 0), totalMs]);
      const leases = new Map(placeOf(input, plan.poolId).replicas.map((replica) => [replica.replicaId, replica.leases]));
      expect(plan.yields.filter(({ replicaId, mode }) => (mode === 'drain') !== (leases.get(replicaId) ?? 0) > 0)).toEqual([]);
    });
  });

  test('G-21 nothing loads, fetches or yields while the model has a replica', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const has = input.pools.some(
          (pool) => pool.replicasMax !== 0 && pool.replicas.some((replica) => replica.modelKey === 'w' && stays(replica)),
        );
        expect(planResidency(input).kind === 'already').toBe(has);
      }),
      RUNS,
    );
  });

  test('G-21 a wait ends: once its blockers may yield, the same pool takes the load', () => {
    onPlan('wait', (input, plan) => {
      expect(plan.untilMs).toBeGreaterThan(0);
      const later = input.pools.map((pool) => ({
        ...pool,
        replicas: pool.replicas.map((replica) =>
          plan.blockedBy.some(({ replicaId }) => replicaId === replica.replicaId)
            ? { ...replica, state: 'resident' as const, servingMs: 500 }
            : replica,
        ),
      }));
      expect(planResidency({ ...input, pools: later, wanted: { ...input.wanted, poolIds: new Set([plan.poolId]) } }).kind).toBe('load');
    });
  });

  test('G-21 impossible means that no pool could take it even if all that may yield did', () => {
    onPlan('impossible', (input) => {
      const possible = input.pools.filter((pool) => {
        const node = input.nodes.find(({ nodeId }) => nodeId === pool.nodeId);
        const reachable = node !== undefined && (node.weights !== 'absent' || node.canFetch);
        const gone = pool.replicas.filter((replica) => protectionOf(replica, input.wanted) === null).map(({ replicaId }) => replicaId);
        return reachable && fitsWithout(input, pool, gone);
      });
      expect(possible).toEqual([]);
    });
  });

  test('G-20 the order of pools, replicas and nodes changes nothing, and the input is left as it was', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const before = structuredClone(input);
        const turned = {
          ...input,
          pools: input.pools.toReversed().map((pool) => ({ ...pool, replicas: pool.replicas.toReversed() })),
          nodes: input.nodes.toReversed(),
        };
        expect(planResidency(turned)).toEqual(planResidency(input));
        expect(input).toEqual(before);
      }),
      RUNS,
    );
  });
});
