import type { Log } from '@corral/service-kit';
import type { InstanceDefinition, InstanceKey } from '../store/instance-rows.js';
import type { Store } from '../store/open-store.js';
import type { InstanceRegistry } from './instance-registry.js';
import { instancesChange, writeInstances } from './manifest-instances.js';

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
  const { plan, refreshed } = instancesChange(wanted, registry);
  for (const { orgId, instanceId } of plan.taken) log.warn('instance of the manifest left as a call made it', { org_id: orgId, instance_id: instanceId });
  const records = await store.db.transaction().execute((tx) => writeInstances(tx, plan, store.clock.nowMs()));
  for (const record of records) registry.put(record);
  return { removed: plan.remove, refreshed };
}
