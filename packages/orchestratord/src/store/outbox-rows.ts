import type { EventEnvelope } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { InstanceKey } from './instance-rows.js';
import type { Database } from './schema.js';

/** A command that waits to be published. */
export type Command = EventEnvelope<'orchestrator.load' | 'orchestrator.unload'>;

/** One row of the outbox. */
export interface OutboxEntry {
  readonly id: number;
  readonly nodeId: string;
  readonly command: Command;
  readonly attempts: number;
}

/** Queues a command for its node. Call it in the transaction that changes what the command is about. Returns its id, which only grows. [E-08] */
export async function addCommand(db: Kysely<Database>, command: Command, nowMs: number): Promise<number> {
  const { org_id, instance_id, generation, target } = command.data;
  const row = await db
    .insertInto('outbox')
    .values({ message_id: command.id, node_id: target.node_id, org_id, instance_id, generation, body: JSON.stringify(command), created_at: nowMs, sent_at: null, attempts: 0, last_error: null })
    .returning('id')
    .executeTakeFirstOrThrow();
  return row.id;
}

/** The id of the newest command; 0 when there is none. */
export async function lastCommandId(db: Kysely<Database>): Promise<number> {
  const row = await db.selectFrom('outbox').select('id').orderBy('id', 'desc').limit(1).executeTakeFirst();
  return row?.id ?? 0;
}

/** Nodes for which commands wait. */
export async function nodesWithCommands(db: Kysely<Database>): Promise<readonly string[]> {
  const rows = await db.selectFrom('outbox').select('node_id').distinct().where('sent_at', 'is', null).orderBy('node_id').execute();
  return rows.map(({ node_id }) => node_id);
}

/** How many commands wait for each node that has any. */
export async function unsentCounts(db: Kysely<Database>): Promise<ReadonlyMap<string, number>> {
  const rows = await db.selectFrom('outbox').select(['node_id', (e) => e.fn.countAll<number>().as('count')]).where('sent_at', 'is', null).groupBy('node_id').execute();
  return new Map(rows.map(({ node_id, count }) => [node_id, Number(count)]));
}

/** The oldest unsent commands for a node, oldest first. */
export async function unsentCommands(db: Kysely<Database>, nodeId: string, limit: number): Promise<readonly OutboxEntry[]> {
  const rows = await db
    .selectFrom('outbox')
    .select(['id', 'node_id', 'body', 'attempts'])
    .where('sent_at', 'is', null)
    .where('node_id', '=', nodeId)
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ id: row.id, nodeId: row.node_id, command: JSON.parse(row.body) as Command, attempts: row.attempts }));
}

/** The publishes were confirmed. */
export async function markSent(db: Kysely<Database>, ids: readonly number[], nowMs: number): Promise<void> {
  await db.updateTable('outbox').set({ sent_at: nowMs, last_error: null }).where('id', 'in', [...ids]).execute();
}

/** The row of a command that was not published yet; `undefined` when it was, or when it is gone. */
export async function findUnsent(db: Kysely<Database>, id: number): Promise<{ readonly nodeId: string; readonly orgId: string; readonly instanceId: string; readonly generation: number } | undefined> {
  const row = await db.selectFrom('outbox').select(['node_id', 'org_id', 'instance_id', 'generation']).where('id', '=', id).where('sent_at', 'is', null).executeTakeFirst();
  return row && { nodeId: row.node_id, orgId: row.org_id, instanceId: row.instance_id, generation: row.generation };
}

/** The node will never take the command: it goes, and its next full set says what it must know. */
export async function dropCommand(db: Kysely<Database>, id: number): Promise<void> {
  await db.deleteFrom('outbox').where('id', '=', id).execute();
}

/** The publish was not confirmed; the row stays unsent. */
export async function markFailed(db: Kysely<Database>, id: number, reason: string): Promise<void> {
  await db
    .updateTable('outbox')
    .set((e) => ({ attempts: e('attempts', '+', 1), last_error: reason.slice(0, 500) }))
    .where('id', '=', id)
    .execute();
}

/**
 * Drops unsent commands of a node that a later generation of the same instance overtook: only the last one counts,
 * so a node that is away for long costs one row per instance. Returns how many went. [E-10]
 */
export async function dropSuperseded(db: Kysely<Database>, nodeId: string): Promise<number> {
  const result = await db
    .deleteFrom('outbox')
    .where('sent_at', 'is', null)
    .where('node_id', '=', nodeId)
    .where(({ exists, selectFrom }) =>
      exists(
        selectFrom('outbox as later')
          .select('later.id')
          .whereRef('later.node_id', '=', 'outbox.node_id')
          .whereRef('later.org_id', '=', 'outbox.org_id')
          .whereRef('later.instance_id', '=', 'outbox.instance_id')
          .whereRef('later.generation', '>', 'outbox.generation'),
      ),
    )
    .executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Drops the unsent commands of one instance: it is wanted nowhere, which its nodes learn from their full sets. Returns how many went. */
export async function dropUnsentOf(db: Kysely<Database>, { orgId, instanceId }: InstanceKey): Promise<number> {
  const result = await db.deleteFrom('outbox').where('sent_at', 'is', null).where('org_id', '=', orgId).where('instance_id', '=', instanceId).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** A full set of assignments went to the node, so nothing that was queued before is needed. Returns how many went. */
export async function dropUnsent(db: Kysely<Database>, nodeId: string, upToId: number): Promise<number> {
  const result = await db.deleteFrom('outbox').where('sent_at', 'is', null).where('node_id', '=', nodeId).where('id', '<=', upToId).executeTakeFirst();
  return Number(result.numDeletedRows);
}

/** Removes commands that were sent before `sentBeforeMs`. Returns how many went. */
export async function pruneSent(db: Kysely<Database>, sentBeforeMs: number): Promise<number> {
  const result = await db.deleteFrom('outbox').where('sent_at', '<', sentBeforeMs).executeTakeFirst();
  return Number(result.numDeletedRows);
}
