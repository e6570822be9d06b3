import type { Assignment } from '@corral/contracts';
import { canonicalHash } from '../manifest/canonical-hash.js';
import { implicitInstanceId } from '../instances/implicit-instance.js';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { ServedManifest } from '../manifest/served-manifest.js';
import type { InstanceRecord } from '../store/instance-rows.js';
import type { WantedChange, WantedSet } from './wanted-set.js';

export interface ServedParts {
  readonly manifest: ServedManifest;
  readonly models: Pick<ModelDirectory, 'specOf'>;
  readonly instances: Pick<InstanceRegistry, 'list'>;
  readonly wanted: Pick<WantedSet, 'all' | 'apply' | 'forget'>;
}

/**
 * Brings what an earlier run left in the store in line with what is served now, before anything is planned: instances
 * of routes and models that are gone are deleted, assignments of changed ones get a new generation. [E-10 G-22]
 */
export async function settleServed(parts: ServedParts): Promise<void> {
  await parts.wanted.forget(parts.instances.list().filter((record) => record.kind === 'implicit' && !isServed(record, parts)));
  await parts.wanted.apply(parts.wanted.all().flatMap((assignment) => changeOf(assignment, parts)));
}

function isServed({ instanceId, modelRef }: InstanceRecord, { manifest, models }: ServedParts): boolean {
  if (implicitInstanceId('model', modelRef) === instanceId) return models.specOf(modelRef) !== undefined;
  return [...manifest.routes.values()].some(({ name, modelId }) => implicitInstanceId('route', name) === instanceId && modelId === modelRef);
}

function changeOf(assignment: Assignment, { manifest, models }: ServedParts): readonly WantedChange[] {
  const { org_id, instance_id, model, wanted, target } = assignment;
  const served = models.specOf(model.model_id);
  if (served === undefined) return [];
  const tier = [...manifest.routes.values()].find(({ name }) => implicitInstanceId('route', name) === instance_id)?.tier ?? assignment.tier;
  if (canonicalHash(served) === canonicalHash(model) && tier === assignment.tier) return [];
  const reason = `the definition of ${model.model_id} has changed`;
  return [{ instance: { orgId: org_id, instanceId: instance_id, tier }, model: served, wanted, target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'startup', reason }];
}
