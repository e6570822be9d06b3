import type { Assignment } from '@corral/contracts';
import type { InstanceRegistry } from '../instances/instance-registry.js';
import { canonicalHash } from '../manifest/canonical-hash.js';
import type { ModelDirectory } from '../manifest/model-directory.js';
import type { WantedChange, WantedSet } from './wanted-set.js';

export interface ServedParts {
  readonly models: Pick<ModelDirectory, 'specOf' | 'implicitTier'>;
  readonly instances: Pick<InstanceRegistry, 'list' | 'find'>;
  readonly wanted: Pick<WantedSet, 'all' | 'apply' | 'forget'>;
}

/**
 * Brings what an earlier run left in the store in line with what is served now, before anything is planned: instances
 * of routes and models that are gone are deleted, assignments of changed ones get a new generation. [E-10 G-22]
 */
export async function settleServed({ models, instances, wanted }: ServedParts): Promise<void> {
  await wanted.forget(instances.list().filter((record) => record.kind === 'implicit' && models.implicitTier(record) === null));
  await wanted.apply(wanted.all().flatMap((assignment) => changeOf(assignment, { models, instances })));
}

function changeOf(assignment: Assignment, { models, instances }: Pick<ServedParts, 'models' | 'instances'>): readonly WantedChange[] {
  const { org_id, instance_id, model, wanted, target } = assignment;
  const record = instances.find({ orgId: org_id, instanceId: instance_id });
  const served = models.specOf(model.model_id);
  if (served === undefined || record === undefined) return [];
  const tier = record.kind === 'implicit' ? (models.implicitTier(record) ?? assignment.tier) : assignment.tier;
  if (canonicalHash(served) === canonicalHash(model) && tier === assignment.tier) return [];
  const reason = `the definition of ${model.model_id} has changed`;
  return [{ instance: { orgId: org_id, instanceId: instance_id, tier }, model: served, wanted, target: { nodeId: target.node_id, poolId: target.pool_id }, source: 'startup', reason }];
}
