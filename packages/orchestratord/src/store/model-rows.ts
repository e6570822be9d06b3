import type { Verification } from '@corral/contracts';
import type { Insertable, Kysely, Selectable } from 'kysely';
import { NO_TRUST, type ModelIntent, type ModelTrust } from '../catalog/model-intent.js';
import type { Database, ModelTable } from './schema.js';

/** Rows of one statement; SQLite takes a bounded number of values. */
const ROWS_PER_STATEMENT = 500;

/** Everything that is meant for models, purged ones too, by id, and the version of it. [G-19] */
export async function readCatalog(db: Kysely<Database>): Promise<{ readonly version: number; readonly intents: readonly ModelIntent[] }> {
  const rows = await db.selectFrom('models').selectAll().orderBy('model_id').execute();
  const row = await db.selectFrom('catalog').select('version').where('id', '=', 1).executeTakeFirst();
  return { version: Number(row?.version ?? 0), intents: rows.map(intentOfRow) };
}

/** Writes intents, forgets ids, and gives the catalog its next version. Call it in a transaction: it is all or nothing. */
export async function writeCatalog(db: Kysely<Database>, changed: readonly ModelIntent[], forgotten: readonly string[], version: number): Promise<void> {
  for (let at = 0; at < forgotten.length; at += ROWS_PER_STATEMENT) {
    await db.deleteFrom('models').where('model_id', 'in', forgotten.slice(at, at + ROWS_PER_STATEMENT)).execute();
  }
  for (let at = 0; at < changed.length; at += ROWS_PER_STATEMENT) {
    await db
      .insertInto('models')
      .values(changed.slice(at, at + ROWS_PER_STATEMENT).map(rowOf))
      .onConflict((c) => c.column('model_id').doUpdateSet((e) => Object.fromEntries(COLUMNS.map((name) => [name, e.ref(`excluded.${name}`)]))))
      .execute();
  }
  await db.insertInto('catalog').values({ id: 1, version }).onConflict((c) => c.column('id').doUpdateSet({ version })).execute();
}

const COLUMNS = ['sources', 'digest', 'context', 'slots', 'pinned', 'pin_override', 'origin', 'state', 'tags', 'trust', 'verification', 'last_verified_at', 'retired_at', 'drain_until', 'removed_at', 'created_at', 'updated_at'] as const;

function rowOf(intent: ModelIntent): Insertable<ModelTable> {
  return {
    model_id: intent.modelId,
    sources: JSON.stringify(intent.sources),
    digest: intent.digest,
    context: intent.context,
    slots: intent.slots,
    pinned: intent.pinned ? 1 : 0,
    pin_override: intent.pinOverride === null ? null : intent.pinOverride ? 1 : 0,
    origin: intent.origin,
    state: intent.state,
    tags: JSON.stringify(intent.tags),
    trust: JSON.stringify(intent.trust),
    verification: intent.verification === null ? null : JSON.stringify(intent.verification),
    last_verified_at: intent.lastVerifiedMs,
    retired_at: intent.retiredAtMs,
    drain_until: intent.drainUntilMs,
    removed_at: intent.removedAtMs,
    created_at: intent.createdMs,
    updated_at: intent.updatedMs,
  };
}

function intentOfRow(row: Selectable<ModelTable>): ModelIntent {
  return {
    modelId: row.model_id,
    origin: row.origin,
    sources: JSON.parse(row.sources) as string[],
    digest: row.digest,
    context: row.context,
    slots: row.slots,
    pinned: row.pinned === 1,
    pinOverride: row.pin_override === null ? null : row.pin_override === 1,
    state: row.state,
    retiredAtMs: row.retired_at === null ? null : Number(row.retired_at),
    drainUntilMs: row.drain_until === null ? null : Number(row.drain_until),
    tags: JSON.parse(row.tags) as string[],
    trust: { ...NO_TRUST, ...(JSON.parse(row.trust) as Partial<ModelTrust>) },
    verification: row.verification === null ? null : (JSON.parse(row.verification) as Verification),
    lastVerifiedMs: row.last_verified_at === null ? null : Number(row.last_verified_at),
    createdMs: Number(row.created_at),
    updatedMs: Number(row.updated_at),
    removedAtMs: row.removed_at === null ? null : Number(row.removed_at),
  };
}
