import type { Tier } from '@corral/contracts';
import type { ResidencyPlan } from '@corral/orchestrator-core';
import type { InstanceKey } from '../store/instance-rows.js';
import { isFetching, isReplacing, keyOfView, type AssignmentView } from './assignment-view.js';
import { loadReason, yieldReason } from './plan-reasons.js';
import { keptFor, type ResidencyWorld, type Wish } from './residency-input.js';
import type { WantedChange } from './wanted-set.js';

type Yields = Extract<ResidencyPlan, { kind: 'load' }>['yields'][number];

/** A wish and what is to become of it. */
export interface PlannedWish {
  readonly wish: Wish;
  readonly plan: ResidencyPlan;
}

/** A change that is not committed yet. */
export interface Draft extends WantedChange {
  /** It frees device memory: its weights may stay in RAM where there is room. */
  readonly isDemotion?: true;
}

export interface ChangeContext {
  readonly world: ResidencyWorld;
  readonly quantumMs: number;
  /** Which load holds an instance. */
  heldTierOf(key: InstanceKey): Tier | null;
}

/**
 * What a plan changes in the wanted set, those who yield first; nothing where it is under way already. Pure, so the
 * same plan twice orders once. [G-20 G-21 C-66]
 */
export function changesOf(planned: PlannedWish, context: ChangeContext): readonly Draft[] {
  const { wish, plan } = planned;
  const { views } = context.world;
  switch (plan.kind) {
    case 'already': {
      const { instance, modelKey } = wish.demand;
      const isThere = views.some((view) => view.assignment.wanted === 'resident' && view.modelKey === modelKey && view.assignment.target.pool_id === plan.poolId && keyOfView(view) === `${instance.orgId}/${instance.instanceId}`);
      return isThere ? [] : [joinChange(wish, plan)];
    }
    case 'fetch':
      return views.some((view) => view.modelKey === wish.demand.modelKey && (isFetching(view) || isReplacing(view))) ? [] : [fetchChange(wish, plan)];
    case 'load':
      return loadChanges(wish, plan, context);
    case 'wait':
    case 'impossible':
      return [];
  }
}

/** Those who yield, then the load. */
export function loadChanges(wish: Wish, plan: Extract<ResidencyPlan, { kind: 'load' }>, context: ChangeContext): readonly Draft[] {
  const yielding = yieldsOf(wish, plan, context);
  // The replica that came carries the whole story, since those that went can no longer be shown.
  const reason = [...new Set([loadReason('load', plan.poolId, wish), ...yielding.map((change) => change.reason)])].join('; ');
  return [...yielding, { ...wanted(wish, plan), wanted: 'resident', reason }];
}

/** Another instance's replica serves this one too, once this one says that it wants it. */
export function joinChange(wish: Wish, plan: { readonly nodeId: string; readonly poolId: string }): Draft {
  return { ...wanted(wish, plan), wanted: 'resident', reason: loadReason('join', plan.poolId, wish) };
}

/** The first step of a load: the file comes to the node. [DESIGN 10.2] */
export function fetchChange(wish: Wish, plan: { readonly nodeId: string; readonly poolId: string }): Draft {
  return { ...wanted(wish, plan), wanted: 'on_disk', event: 'load', reason: loadReason('fetch', plan.poolId, wish) };
}

/** Every assignment that holds a replica which yields. A load that was not hot has had its time: only a hot one comes back by itself. */
function yieldsOf(wish: Wish, plan: Extract<ResidencyPlan, { kind: 'load' }>, { world, quantumMs, heldTierOf }: ChangeContext): readonly Draft[] {
  return plan.yields.flatMap((yielding) =>
    holdersOf(wish, plan.poolId, yielding, world)
      .map(({ assignment }): Draft => {
        const instance = { orgId: assignment.org_id, instanceId: assignment.instance_id, tier: assignment.tier };
        return {
          instance,
          model: assignment.model,
          wanted: 'on_disk',
          event: 'unload',
          isDemotion: true,
          target: { nodeId: assignment.target.node_id, poolId: assignment.target.pool_id },
          source: wish.source,
          reason: yieldReason(yielding, assignment.model.model_id, { poolId: plan.poolId, wish, quantumMs }),
          ...letGo(heldTierOf(instance)),
        };
      }),
  );
}

/** Whoever wants the replica, and whoever it stands in for; the instance that gets the place is served by what comes. */
function holdersOf({ demand }: Wish, poolId: string, yielding: Yields, world: ResidencyWorld): readonly AssignmentView[] {
  const wanting = world.views.filter(({ assignment, modelKey }) => assignment.wanted === 'resident' && assignment.target.pool_id === poolId && modelKey === yielding.modelKey);
  const standsInFor = keptFor(world, poolId, yielding.replicaId).filter((view) => !wanting.includes(view) && keyOfView(view) !== `${demand.instance.orgId}/${demand.instance.instanceId}`);
  return [...wanting, ...standsInFor];
}

/** What a demotion leaves of the load that held an instance: `hot` and `warm` go on, the others are over. */
export function letGo(heldTier: Tier | null): Pick<Draft, 'heldTier'> {
  return heldTier === 'cold' || heldTier === 'demand' ? { heldTier: null } : {};
}

function wanted({ demand, source }: Wish, { nodeId, poolId }: { readonly nodeId: string; readonly poolId: string }) {
  return { instance: demand.instance, model: demand.model, target: { nodeId, poolId }, source };
}
