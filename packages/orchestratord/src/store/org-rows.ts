import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** One organisation. Times are Unix milliseconds. */
export interface Org {
  readonly orgId: string;
  readonly createdAtMs: number;
  readonly deletedAtMs: number | null;
}

/** Every org, deleted ones too, by id. */
export async function listOrgs(db: Kysely<Database>): Promise<readonly Org[]> {
  const rows = await db.selectFrom('orgs').selectAll().orderBy('org_id').execute();
  return rows.map((row) => ({ orgId: row.org_id, createdAtMs: row.created_at, deletedAtMs: row.deleted_at }));
}

/** Creates the org, or brings a deleted one back. */
export async function putOrg(db: Kysely<Database>, orgId: string, nowMs: number): Promise<void> {
  const fresh = { created_at: nowMs, deleted_at: null };
  await db.insertInto('orgs').values({ org_id: orgId, ...fresh }).onConflict((c) => c.column('org_id').doUpdateSet(fresh)).execute();
}

/** The row stays, because instances and keys that were deleted refer to it. */
export async function deleteOrg(db: Kysely<Database>, orgId: string, nowMs: number): Promise<void> {
  await db.updateTable('orgs').set({ deleted_at: nowMs }).where('org_id', '=', orgId).execute();
}
