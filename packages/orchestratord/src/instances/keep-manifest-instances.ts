import type { Log } from '@corral/service-kit';
import { planInstances } from '../manifest/plan-instances.js';
import { createInstance, putInstance, type InstanceDefinition, type InstanceKey } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import { compared } from './instance-changes.js';
import { instanceKeyOf, type InstanceRegistry } from './instance-registry.js';
import { owedTier } from './owed-tier.js';

export interface KeepParts {
  readonly store: Store;
  readonly registry: InstanceRegistry;
  readonly log: Log;
}

/** What nodes still have to hear of. */
export interface ManifestNews {
  /** No longer defined: nothing may be wanted of them, and then they go. */
  readonly removed: readonly InstanceKey[];
  /** They run another model or config than before. */
  readonly refreshed: readonly InstanceKey[];
}

/** Makes the instances of the manifest true in the store: their orgs, themselves, and what their tier owes them. [B-154 C-67] */
export async function keepManifestInstances({ store, registry, log }: KeepParts, wanted: readonly InstanceDefinition[]): Promise<ManifestNews> {
  const plan = planInstances(wanted, registry.list());
  const nowMs = store.clock.nowMs();
  for (const { orgId, instanceId } of plan.taken) log.warn('instance of the manifest left as a call made it', { org_id: orgId, instance_id: instanceId });
  const before = new Map(registry.list().map((record) => [instanceKeyOf(record), record]));
  const records = await store.db.transaction().execute(async (tx) => {
    const made = [];
    for (const orgId of new Set(plan.create.map((one) => one.orgId))) await tx.insertInto('orgs').values({ org_id: orgId, created_at: nowMs }).onConflict((c) => c.column('org_id').doUpdateSet({ deleted_at: null })).execute();
    for (const definition of plan.create) made.push(await createInstance(tx, { ...definition, heldTier: owedTier(definition.tier) }, nowMs));
    for (const definition of plan.change) made.push(await putInstance(tx, definition, nowMs));
    return made.filter((record) => record !== undefined);
  });
  for (const record of records) registry.put(record);
  const refreshed = plan.change.flatMap((definition): InstanceKey[] => {
    const record = before.get(instanceKeyOf(definition));
    const { orgId, instanceId } = definition;
    return record !== undefined && compared(record, definition).runsDifferently ? [{ orgId, instanceId }] : [];
  });
  return { removed: plan.remove, refreshed };
}
