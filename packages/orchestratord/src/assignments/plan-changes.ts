import type { ResidencyPlan } from '@corral/orchestrator-core';
import { isFetching } from './assignment-view.js';
import { loadReason, yieldReason } from './plan-reasons.js';
import type { ResidencyWorld, Wish } from './residency-input.js';
import type { WantedChange } from './wanted-set.js';

/** A wish and what is to become of it. */
export interface PlannedWish {
  readonly wish: Wish;
  readonly plan: ResidencyPlan;
}

/**
 * What a plan changes in the wanted set, those who yield first; nothing where it is under way already. Pure, so the
 * same plan twice orders once. [G-20 G-21 C-66]
 */
export function changesOf({ wish, plan }: PlannedWish, world: ResidencyWorld, quantumMs: number): readonly WantedChange[] {
  switch (plan.kind) {
    case 'already':
      return join(wish, plan, world);
    case 'fetch': {
      const { modelKey } = wish.demand;
      if (world.views.some((view) => view.modelKey === modelKey && isFetching(view))) return [];
      return [{ ...wanted(wish, plan), wanted: 'on_disk', reason: loadReason('fetch', plan.poolId, wish.demand) }];
    }
    case 'load': {
      const yielding = yieldsOf(wish, plan, world, quantumMs);
      // The replica that came carries the whole story, since those that went can no longer be shown.
      const reason = [...new Set([loadReason('load', plan.poolId, wish.demand), ...yielding.map((change) => change.reason)])].join('; ');
      return [...yielding, { ...wanted(wish, plan), wanted: 'resident', reason }];
    }
    case 'wait':
    case 'impossible':
      return [];
  }
}

/** Every assignment that holds a replica which yields. */
function yieldsOf({ demand }: Wish, plan: Extract<ResidencyPlan, { kind: 'load' }>, { views }: ResidencyWorld, quantumMs: number): readonly WantedChange[] {
  return plan.yields.flatMap((yielding) =>
    views
      .filter(({ assignment, modelKey }) => assignment.wanted === 'resident' && assignment.target.pool_id === plan.poolId && modelKey === yielding.modelKey)
      .map(({ assignment }): WantedChange => ({
        instance: { orgId: assignment.org_id, instanceId: assignment.instance_id, tier: assignment.tier },
        model: assignment.model,
        wanted: 'on_disk',
        target: { nodeId: assignment.target.node_id, poolId: assignment.target.pool_id },
        source: 'demand',
        reason: yieldReason(yielding, assignment.model.model_id, { poolId: plan.poolId, demand, quantumMs }),
      })),
  );
}

/** Another instance's replica serves this one too, once this one says that it wants it. */
function join(wish: Wish, plan: Extract<ResidencyPlan, { kind: 'already' }>, { views }: ResidencyWorld): readonly WantedChange[] {
  const { instance, modelKey } = wish.demand;
  const isThere = views.some(
    ({ assignment, modelKey: key }) =>
      assignment.wanted === 'resident' && key === modelKey && assignment.target.pool_id === plan.poolId && assignment.org_id === instance.orgId && assignment.instance_id === instance.instanceId,
  );
  return isThere ? [] : [{ ...wanted(wish, plan), wanted: 'resident', reason: loadReason('join', plan.poolId, wish.demand) }];
}

function wanted({ demand, source }: Wish, { nodeId, poolId }: { readonly nodeId: string; readonly poolId: string }) {
  return { instance: demand.instance, model: demand.model, target: { nodeId, poolId }, source };
}
