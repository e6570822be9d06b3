import type { Assignment } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { InstanceKey } from './instance-rows.js';
import type { Database } from './schema.js';

/** The wanted assignment of every instance. A row that no longer parses is a defect and throws. */
export async function listAssignments(db: Kysely<Database>): Promise<readonly Assignment[]> {
  const rows = await db.selectFrom('assignments').select('body').orderBy('org_id').orderBy('instance_id').execute();
  return rows.map(({ body }) => JSON.parse(body) as Assignment);
}

/** Makes this the one wanted assignment of its instance. */
export async function putAssignment(db: Kysely<Database>, assignment: Assignment, nowMs: number): Promise<void> {
  const changed = {
    node_id: assignment.target.node_id,
    pool_id: assignment.target.pool_id,
    wanted: assignment.wanted,
    generation: assignment.generation,
    body: JSON.stringify(assignment),
    updated_at: nowMs,
  };
  await db
    .insertInto('assignments')
    .values({ ...changed, org_id: assignment.org_id, instance_id: assignment.instance_id })
    .onConflict((c) => c.columns(['org_id', 'instance_id']).doUpdateSet(changed))
    .execute();
}

/** Wants the instance nowhere: its node drops it with the next full set. */
export async function deleteAssignment(db: Kysely<Database>, { orgId, instanceId }: InstanceKey): Promise<void> {
  await db.deleteFrom('assignments').where('org_id', '=', orgId).where('instance_id', '=', instanceId).execute();
}
