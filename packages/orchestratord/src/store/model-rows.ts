import type { ModelSpec } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** A model that is meant to be served: intent, not what any node has. [G-19] */
export interface ModelRecord {
  readonly spec: ModelSpec;
  readonly origin: 'manifest' | 'starter' | 'node';
  readonly state: 'Active' | 'Retired';
}

/** Every model of the intent, by id. */
export async function listModels(db: Kysely<Database>): Promise<readonly ModelRecord[]> {
  const rows = await db.selectFrom('models').selectAll().orderBy('model_id').execute();
  return rows.map((row) => ({
    spec: {
      model_id: row.model_id,
      sources: JSON.parse(row.sources) as string[],
      digest: row.digest,
      context: row.context,
      slots: row.slots,
      pinned: row.pinned === 1,
    },
    origin: row.origin,
    state: row.state,
  }));
}

/** Creates or replaces one model. */
export async function putModel(db: Kysely<Database>, { spec, origin, state }: ModelRecord, nowMs: number): Promise<void> {
  const changed = {
    sources: JSON.stringify(spec.sources),
    digest: spec.digest,
    context: spec.context,
    slots: spec.slots,
    pinned: spec.pinned ? 1 : 0,
    origin,
    state,
    updated_at: nowMs,
  };
  await db
    .insertInto('models')
    .values({ ...changed, model_id: spec.model_id, created_at: nowMs })
    .onConflict((c) => c.column('model_id').doUpdateSet(changed))
    .execute();
}

/** Makes `models` the whole of what manifest or starter define; models that nodes brought stay, unless one of these has their id. */
export async function replaceServedModels(db: Kysely<Database>, models: readonly ModelRecord[], nowMs: number): Promise<void> {
  await db.transaction().execute(async (tx) => {
    const ids = models.map(({ spec }) => spec.model_id);
    let gone = tx.deleteFrom('models').where('origin', '!=', 'node');
    if (ids.length > 0) gone = gone.where('model_id', 'not in', ids);
    await gone.execute();
    for (const model of models) await putModel(tx, model, nowMs);
  });
}
