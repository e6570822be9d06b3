import type { Kysely, Selectable } from 'kysely';
import type { InstanceKey } from './instance-rows.js';
import type { Database, InstanceTable } from './schema.js';

/** Rows as they were; `null` = there was none. */
export type InstanceSnapshot = readonly (InstanceKey & { readonly row: Selectable<InstanceTable> | null })[];

/** The rows of some instances, deleted ones too. */
export async function snapshotInstances(db: Kysely<Database>, keys: readonly InstanceKey[]): Promise<InstanceSnapshot> {
  const snapshot: (InstanceKey & { readonly row: Selectable<InstanceTable> | null })[] = [];
  for (const { orgId, instanceId } of keys) {
    const row = await db.selectFrom('instances').selectAll().where('org_id', '=', orgId).where('instance_id', '=', instanceId).executeTakeFirst();
    snapshot.push({ orgId, instanceId, row: row ?? null });
  }
  return snapshot;
}

/** Makes the rows what they were; generations that were given out since stay given out. [E-10] */
export async function restoreInstances(db: Kysely<Database>, snapshot: InstanceSnapshot): Promise<void> {
  for (const { orgId, instanceId, row } of snapshot) {
    if (row === null) {
      await db.deleteFrom('instances').where('org_id', '=', orgId).where('instance_id', '=', instanceId).execute();
      continue;
    }
    const { generation: _, ...rest } = row;
    await db.updateTable('instances').set(rest).where('org_id', '=', orgId).where('instance_id', '=', instanceId).execute();
  }
}
