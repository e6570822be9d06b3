import { planWaiters } from '@corral/orchestrator-core';
import { strongestTier } from './assignment-view.js';
import type { PlannedWish } from './plan-changes.js';
import { poolChoice } from './pool-choice.js';
import { residencyPools, usablePools, waitingModel, type Wish } from './residency-input.js';
import type { WorldLook } from './residency-world.js';

/** What is to become of every wish, those whose turn is first before the others; a model that several want has the tier of the strongest. Pure. [G-21] */
export function planWishes(wishes: readonly Wish[], world: WorldLook, quantumMs: number): readonly PlannedWish[] {
  const byModel = new Map<string, Wish[]>();
  for (const wish of wishes) byModel.set(wish.demand.modelKey, [...(byModel.get(wish.demand.modelKey) ?? []), wish]);
  const waiting = wishes.map((wish) => {
    const one = waitingModel(wish, world);
    const tier = strongestTier((byModel.get(wish.demand.modelKey) ?? []).map(({ demand }) => demand.instance.tier));
    return { wish, model: { ...one, wanted: { ...one.wanted, tier } } };
  });
  const plans = planWaiters(waiting.map(({ model }) => model), residencyPools(world), { quantumMs });
  const wishOf = new Map(waiting.map(({ wish, model }) => [model.wanted, wish]));
  return plans.flatMap(({ wanted, plan }) => {
    const wish = wishOf.get(wanted);
    return wish === undefined ? [] : [{ wish, plan }];
  });
}

/** Pools in which a task waits for a place. Pure. */
export function contendedPools(wishes: readonly Wish[], world: WorldLook): ReadonlySet<string> {
  const unserved = wishes.filter(({ demand }) => demand.waitingTasks > 0 && !world.residentIn.has(demand.modelKey));
  const pools = usablePools(world.pools).map(({ poolId }) => poolId);
  return new Set(
    unserved.flatMap(({ demand }) => {
      const choice = poolChoice(demand.placement, world.pools);
      return choice === null ? pools : pools.filter((poolId) => choice.has(poolId));
    }),
  );
}
