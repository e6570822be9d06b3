import type { InstanceStep } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { InstanceKey } from './instance-rows.js';
import type { Database } from './schema.js';

/** One thing that happened to an instance. Times are Unix milliseconds. */
export interface InstanceHappening extends InstanceKey {
  readonly atMs: number;
  readonly type: string;
  readonly reason: string | null;
  readonly durationMs: number | null;
  readonly steps: readonly InstanceStep[];
}

/** Writes down what happened, in this order, and keeps the newest `keptMax` of each instance that it is about. Call it in a transaction. */
export async function addHappenings(db: Kysely<Database>, happenings: readonly InstanceHappening[], keptMax: number): Promise<void> {
  if (happenings.length === 0) return;
  const rows = happenings.map((one) => ({ org_id: one.orgId, instance_id: one.instanceId, at: one.atMs, type: one.type, reason: one.reason, duration_ms: one.durationMs, steps: JSON.stringify(one.steps) }));
  await db.insertInto('instance_events').values(rows).execute();
  const about = new Map(happenings.map((one) => [`${one.orgId}/${one.instanceId}`, one]));
  for (const { orgId, instanceId } of about.values()) {
    const oldest = await db.selectFrom('instance_events').select('id').where('org_id', '=', orgId).where('instance_id', '=', instanceId).orderBy('id', 'desc').offset(keptMax).limit(1).executeTakeFirst();
    if (oldest === undefined) continue;
    await db.deleteFrom('instance_events').where('org_id', '=', orgId).where('instance_id', '=', instanceId).where('id', '<=', oldest.id).execute();
  }
}

/** What happened to one instance, newest first, before the event `beforeId` where one is given. */
export async function listHappenings(db: Kysely<Database>, { orgId, instanceId }: InstanceKey, page: { readonly limit: number; readonly beforeId: number | null }): Promise<readonly (InstanceHappening & { readonly id: number })[]> {
  let query = db.selectFrom('instance_events').selectAll().where('org_id', '=', orgId).where('instance_id', '=', instanceId);
  if (page.beforeId !== null) query = query.where('id', '<', page.beforeId);
  const rows = await query.orderBy('id', 'desc').limit(page.limit).execute();
  return rows.map((row) => ({ id: row.id, orgId: row.org_id, instanceId: row.instance_id, atMs: row.at, type: row.type, reason: row.reason, durationMs: row.duration_ms, steps: JSON.parse(row.steps) as InstanceStep[] }));
}
