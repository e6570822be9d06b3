import type { BindingKind } from '@corral/orchestrator-core';
import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** One version of a binding, as it has to survive a restart. [F-16] */
export interface BindingRow {
  readonly id: string;
  readonly kind: BindingKind;
  readonly version: number;
  readonly fingerprint: string;
  readonly provider: 'manifest' | 'starter';
  readonly handler: string;
  readonly state: 'active' | 'terminated';
}

/** Rows of one statement; SQLite takes a bounded number of values. */
const ROWS_PER_STATEMENT = 500;

/** Every version that is known. */
export async function listBindings(db: Kysely<Database>): Promise<readonly BindingRow[]> {
  return db.selectFrom('bindings').selectAll().orderBy('id').orderBy('version').execute();
}

/** Makes these the whole of what is known. */
export async function replaceBindings(db: Kysely<Database>, rows: readonly BindingRow[]): Promise<void> {
  await db.deleteFrom('bindings').execute();
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    await db.insertInto('bindings').values(rows.slice(at, at + ROWS_PER_STATEMENT)).execute();
  }
}
