import type { AuditOutcome } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { AuditRecord } from '../audit/audit.js';
import type { Database } from './schema.js';

export interface StoredAudit extends AuditRecord {
  /** Grows with time. */
  readonly id: number;
  /** Unix milliseconds. */
  readonly atMs: number;
}

export interface AuditQuery {
  readonly instanceId: string | null;
  readonly orgId: string | null;
  /** Only older entries than this id. */
  readonly beforeId: number | null;
  readonly limit: number;
}

/** Adds entries in one commit. */
export async function insertAudit(db: Kysely<Database>, entries: readonly (AuditRecord & { readonly atMs: number })[]): Promise<void> {
  await db
    .insertInto('audit')
    .values(
      entries.map((entry) => ({
        at: entry.atMs,
        action: entry.action,
        source: entry.source,
        actor: entry.actor,
        org_id: entry.orgId,
        instance_id: entry.instanceId,
        outcome: entry.outcome,
        correlation_id: entry.correlationId,
        detail: entry.detail === undefined ? null : JSON.stringify(entry.detail),
      })),
    )
    .execute();
}

/** The newest first. */
export async function listAudit(db: Kysely<Database>, query: AuditQuery): Promise<readonly StoredAudit[]> {
  let rows = db.selectFrom('audit').selectAll().orderBy('id', 'desc').limit(query.limit);
  if (query.instanceId !== null) rows = rows.where('instance_id', '=', query.instanceId);
  if (query.orgId !== null) rows = rows.where('org_id', '=', query.orgId);
  if (query.beforeId !== null) rows = rows.where('id', '<', query.beforeId);
  return (await rows.execute()).map((row) => ({
    id: row.id,
    atMs: row.at,
    action: row.action,
    source: row.source,
    actor: row.actor,
    orgId: row.org_id,
    instanceId: row.instance_id,
    outcome: row.outcome satisfies AuditOutcome,
    correlationId: row.correlation_id,
    ...(row.detail === null ? {} : { detail: JSON.parse(row.detail) as NonNullable<AuditRecord['detail']> }),
  }));
}

/** Removes entries that are older than `beforeMs`, and the oldest beyond `rowsMax`; returns how many. */
export async function pruneAudit(db: Kysely<Database>, beforeMs: number, rowsMax: number): Promise<number> {
  const newest = await db.selectFrom('audit').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  const { numDeletedRows } = await db
    .deleteFrom('audit')
    .where((e) => e.or([e('at', '<', beforeMs), e('id', '<=', (newest?.id ?? 0) - rowsMax)]))
    .executeTakeFirst();
  return Number(numDeletedRows);
}
