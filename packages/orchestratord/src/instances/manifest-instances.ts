import type { Kysely } from 'kysely';
import { planInstances, type InstancesPlan } from '../manifest/plan-instances.js';
import { createInstance, deleteInstance, putInstance, readInstance, type InstanceDefinition, type InstanceKey, type InstanceRecord } from '../store/instance-rows.js';
import type { Database } from '../store/schema.js';
import { compared } from './instance-changes.js';
import { instanceKeyOf, type InstanceRegistry } from './instance-registry.js';
import { owedTier } from './owed-tier.js';

/** How the instances of a manifest become those of the store, planned from what the registry holds. */
export interface InstancesChange {
  readonly plan: InstancesPlan;
  /** They run another config than before, in the same or another model. */
  readonly refreshed: readonly InstanceKey[];
  /** Their tier is another one, and this one owes them a load. */
  readonly owed: readonly (InstanceKey & { readonly tier: 'hot' | 'warm' })[];
}

/** Pure. [B-154] */
export function instancesChange(wanted: readonly InstanceDefinition[], registry: Pick<InstanceRegistry, 'list'>): InstancesChange {
  const existing = registry.list();
  const plan = planInstances(wanted, existing);
  const before = new Map(existing.map((record) => [instanceKeyOf(record), record]));
  const changed = plan.change.flatMap((definition) => {
    const record = before.get(instanceKeyOf(definition));
    return record === undefined ? [] : [{ definition, record }];
  });
  return {
    plan,
    refreshed: changed.filter(({ definition, record }) => compared(record, definition).runsDifferently).map(({ record: { orgId, instanceId } }) => ({ orgId, instanceId })),
    owed: changed.flatMap(({ definition, record: { orgId, instanceId, tier } }) => {
      const owed = owedTier(definition.tier);
      return owed === null || tier === definition.tier ? [] : [{ orgId, instanceId, tier: owed }];
    }),
  };
}

/** Writes what the plan creates and changes, with the orgs that it needs; not what it removes. Returns the rows as they are then. [B-154 C-67] */
export async function writeInstances(tx: Kysely<Database>, { create, change }: InstancesPlan, nowMs: number): Promise<readonly InstanceRecord[]> {
  const made: (InstanceRecord | undefined)[] = [];
  for (const orgId of new Set(create.map((one) => one.orgId))) await tx.insertInto('orgs').values({ org_id: orgId, created_at: nowMs }).onConflict((c) => c.column('org_id').doUpdateSet({ deleted_at: null })).execute();
  for (const definition of create) made.push(await createInstance(tx, { ...definition, heldTier: owedTier(definition.tier) }, nowMs));
  for (const definition of change) made.push(await putInstance(tx, definition, nowMs));
  return made.filter((record) => record !== undefined);
}

/** Marks what the plan removes as deleted. Returns the rows as they are then. */
export async function writeRemoved(tx: Kysely<Database>, { remove }: InstancesPlan, nowMs: number): Promise<readonly InstanceRecord[]> {
  const gone: (InstanceRecord | undefined)[] = [];
  for (const key of remove) {
    await deleteInstance(tx, key, nowMs);
    gone.push(await readInstance(tx, key));
  }
  return gone.filter((record) => record !== undefined);
}
