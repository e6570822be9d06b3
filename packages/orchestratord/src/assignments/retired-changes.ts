import { keyOfView, type AssignmentView } from './assignment-view.js';
import type { WantedChange } from './wanted-set.js';

/**
 * Instances of retired models leave device memory and RAM; what still runs on one ends first, or is cut at the
 * deadline of the retirement. Who holds an instance goes on holding it, so that it comes back with its model. Pure. [G-10]
 */
export function retiredChanges(views: readonly AssignmentView[], isRetired: (modelId: string) => boolean, isActive: (key: string) => boolean): readonly WantedChange[] {
  return views.flatMap((view): WantedChange[] => {
    const { org_id, instance_id, tier, model, wanted, target } = view.assignment;
    if ((wanted !== 'resident' && wanted !== 'staged') || !isRetired(model.model_id) || isActive(keyOfView(view))) return [];
    const instance = { orgId: org_id, instanceId: instance_id, tier };
    return [{ instance, model, wanted: 'on_disk', event: 'unload', target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'api_unload', reason: `${model.model_id} was retired` }];
  });
}
