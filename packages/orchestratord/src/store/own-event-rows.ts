import type { OwnEvent } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** An event that waits for a broker. */
export interface WaitingEvent {
  readonly id: number;
  readonly event: OwnEvent;
}

/** Rows of one statement; SQLite takes a bounded number of values. */
const ROWS_PER_STATEMENT = 500;

/** Queues events in their order. Call it in the transaction that changes what they are about. Beyond `keptMax` the oldest make room: returns how many did. [E-42] */
export async function addOwnEvents(db: Kysely<Database>, events: readonly OwnEvent[], { nowMs, keptMax }: { readonly nowMs: number; readonly keptMax: number }): Promise<number> {
  for (let at = 0; at < events.length; at += ROWS_PER_STATEMENT) {
    const rows = events.slice(at, at + ROWS_PER_STATEMENT).map((event) => ({ body: JSON.stringify(event), created_at: nowMs }));
    await db.insertInto('own_events').values(rows).execute();
  }
  const newest = await db.selectFrom('own_events').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  if (newest === undefined) return 0;
  const result = await db.deleteFrom('own_events').where('id', '<=', newest.id - keptMax).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Those that wait, oldest first. */
export async function waitingOwnEvents(db: Kysely<Database>, limit: number): Promise<readonly WaitingEvent[]> {
  const rows = await db.selectFrom('own_events').select(['id', 'body']).orderBy('id').limit(limit).execute();
  return rows.map(({ id, body }) => ({ id, event: JSON.parse(body) as OwnEvent }));
}

/** The broker has them, or never takes them. */
export async function dropOwnEvents(db: Kysely<Database>, ids: readonly number[]): Promise<void> {
  await db.deleteFrom('own_events').where('id', 'in', [...ids]).execute();
}
