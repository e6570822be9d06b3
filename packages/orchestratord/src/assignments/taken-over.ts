import type { Assignment, PoolChange, Tier } from '@corral/contracts';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import { modelKeyOf } from '../manifest/model-key.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import { keyOfView, strongestTier, type AssignmentView } from './assignment-view.js';
import type { WorldLook } from './residency-world.js';
import type { WantedChange } from './wanted-set.js';

/**
 * What operators have done to pools at their nodes, as changes of the wanted set: the new model is wanted there, with the
 * strongest wish of those that it replaces, and those rest on disk. Nothing where that is wanted already. Pure. [C-262]
 */
export function takenOver({ pools, views, viewOf }: Pick<WorldLook, 'pools' | 'views' | 'viewOf'>): readonly WantedChange[] {
  return pools
    .filter(({ online }) => online)
    .flatMap(({ poolId, nodeId, status }) => (status.changes ?? []).flatMap((change) => changesOf(change, { poolId, nodeId, views, viewOf })));
}

interface Place extends Pick<WorldLook, 'views' | 'viewOf'> {
  readonly poolId: string;
  readonly nodeId: string;
}

function changesOf({ kind, model, replaces }: PoolChange, { poolId, nodeId, views, viewOf }: Place): readonly WantedChange[] {
  const instance = { orgId: IMPLICIT_ORG, instanceId: implicitInstanceId('model', model.model_id) };
  const holderKey = `${instance.orgId}/${instance.instanceId}`;
  const here = views.filter(({ assignment }) => assignment.wanted === 'resident' && assignment.target.pool_id === poolId);
  const replaced = replaces === null ? [] : here.filter((view) => isOf(view.assignment, replaces) && keyOfView(view) !== holderKey);
  const own = viewOf(holderKey)?.assignment;
  const isWanted = here.some((view) => view.modelKey === modelKeyOf(model));
  const tier = strongestTier([...replaced.map(({ assignment }) => assignment.tier), ...(own === undefined ? [] : [own.tier])]);
  const target = { nodeId, poolId };
  const why = kind === 'reload' ? `an operator reloaded pool ${poolId} to ${model.model_id}` : `an operator loaded ${model.model_id} in pool ${poolId}`;
  return [
    ...replaced.map((view) => released(view, why)),
    ...(isWanted ? [] : [{ instance: { ...instance, tier }, model, wanted: 'resident' as const, target, source: 'api_load' as const, reason: why, heldTier: heldBy(tier) }]),
  ];
}

/** Its load is over: only a route that is hot, or somebody who asks, brings it back. */
function released({ assignment }: AssignmentView, reason: string): WantedChange {
  const { org_id: orgId, instance_id: instanceId, tier, model, target } = assignment;
  return { instance: { orgId, instanceId, tier }, model, wanted: 'on_disk', event: 'unload', target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'api_load', reason, heldTier: null };
}

function heldBy(tier: Tier): Tier | null {
  return tier === 'demand' ? null : tier;
}

function isOf({ model }: Assignment, replaced: NonNullable<PoolChange['replaces']>): boolean {
  return model.model_id === replaced.model_id && model.context === replaced.context && model.slots === replaced.slots && (model.digest === null || model.digest === replaced.digest);
}
