import { implicitInstanceId } from '../instances/implicit-instance.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import { IMPLICIT_ORG } from '../manifest/resolve-model-ref.js';
import type { ServedManifest } from '../manifest/served-manifest.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { Wish } from './residency-input.js';

/** What should be resident although nobody waits for it: hot routes and hot instances, after all tasks that wait. Pure. [C-67] */
export function hotWishes(manifest: ServedManifest, instances: readonly InstanceRecord[], specOf: ModelDirectory['specOf']): readonly Wish[] {
  const routes = [...manifest.routes.values()].filter(({ tier }) => tier === 'hot').map((route) => ({ orgId: IMPLICIT_ORG, instanceId: implicitInstanceId('route', route.name), modelId: route.modelId, placement: route.placement }));
  const explicit = instances.filter(({ kind, tier }) => kind === 'explicit' && tier === 'hot').map(({ orgId, instanceId, modelRef }) => ({ orgId, instanceId, modelId: modelRef, placement: null }));
  return [...routes, ...explicit].flatMap(({ orgId, instanceId, modelId, placement }): Wish[] => {
    const model = specOf(modelId);
    if (model === undefined) return [];
    const instance = { orgId, instanceId, tier: 'hot' as const };
    const demand = { modelKey: modelKeyOf(model), model, instance, priority: 'batch' as const, oldestArrivalSeq: Number.MAX_SAFE_INTEGER, waitingMs: 0, waitingTasks: 0, placement };
    return [{ demand, source: 'startup' }];
  });
}
