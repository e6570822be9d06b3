import { keyOfView, type AssignmentView } from './assignment-view.js';
import type { WantedChange } from './wanted-set.js';

/** What became of a model as far as its places go. */
export interface LeavingModels {
  isRetired(modelId: string): boolean;
  isPurged(modelId: string): boolean;
}

/**
 * Instances of retired models leave device memory and RAM, those of purged ones are wanted nowhere; what still runs on
 * one ends first, or is cut at the deadline of the retirement. Who holds an instance goes on holding it, so that it
 * comes back with its model. Pure. [G-09 G-10]
 */
export function retiredChanges(views: readonly AssignmentView[], models: LeavingModels, isActive: (key: string) => boolean): readonly WantedChange[] {
  return views.flatMap((view): WantedChange[] => {
    const { org_id, instance_id, tier, model, wanted, target } = view.assignment;
    if (wanted === 'absent' || isActive(keyOfView(view))) return [];
    const isPurged = models.isPurged(model.model_id);
    if (!isPurged && (wanted === 'on_disk' || !models.isRetired(model.model_id))) return [];
    const instance = { orgId: org_id, instanceId: instance_id, tier };
    return [{ instance, model, wanted: isPurged ? 'absent' : 'on_disk', event: 'unload', target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'api_unload', reason: `${model.model_id} was ${isPurged ? 'purged' : 'retired'}` }];
  });
}
