import type { Kysely, Migration } from 'kysely';

/**
 * Every migration, by name, in the order of the names. Forward only: a released one is never edited, a mistake is
 * corrected by the next. They are typed loosely because each speaks of the schema of its own time.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-instances-assignments-outbox': { up: createTables },
  '0002-access': { up: createAccess },
  '0003-instances': { up: addInstanceColumns },
  '0005-catalog': { up: addCatalog },
  '0006-bindings': { up: createBindings },
  '0007-own-events': { up: createOwnEvents },
};

async function createTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('orgs')
    .addColumn('org_id', 'text', (c) => c.primaryKey())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('instances')
    .addColumn('org_id', 'text', (c) => c.notNull().references('orgs.org_id'))
    .addColumn('instance_id', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('model_ref', 'text', (c) => c.notNull())
    .addColumn('tier', 'text', (c) => c.notNull())
    .addColumn('ttl_s', 'integer')
    .addColumn('config', 'text', (c) => c.notNull())
    .addColumn('config_hash', 'text', (c) => c.notNull())
    .addColumn('generation', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('deleted_at', 'bigint')
    .addPrimaryKeyConstraint('instances_pk', ['org_id', 'instance_id'])
    .execute();
  await db.schema
    .createTable('models')
    .addColumn('model_id', 'text', (c) => c.primaryKey())
    .addColumn('sources', 'text', (c) => c.notNull())
    .addColumn('digest', 'text')
    .addColumn('context', 'integer', (c) => c.notNull())
    .addColumn('slots', 'integer', (c) => c.notNull())
    .addColumn('pinned', 'integer', (c) => c.notNull())
    .addColumn('origin', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  await createAssignments(db);
}

async function createAssignments(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('assignments')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('instance_id', 'text', (c) => c.notNull())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('pool_id', 'text', (c) => c.notNull())
    .addColumn('wanted', 'text', (c) => c.notNull())
    .addColumn('generation', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('assignments_pk', ['org_id', 'instance_id'])
    .addForeignKeyConstraint('assignments_instance_fk', ['org_id', 'instance_id'], 'instances', ['org_id', 'instance_id'])
    .execute();
  await db.schema
    .createTable('outbox')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('message_id', 'text', (c) => c.notNull().unique())
    .addColumn('node_id', 'text', (c) => c.notNull())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('instance_id', 'text', (c) => c.notNull())
    .addColumn('generation', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('sent_at', 'bigint')
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('last_error', 'text')
    .execute();
  await db.schema.createIndex('outbox_unsent').on('outbox').columns(['sent_at', 'node_id', 'id']).execute();
}

async function addInstanceColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('instances').addColumn('held_tier', 'text').execute();
  await db.schema.alterTable('instances').addColumn('last_used_at', 'bigint').execute();
  await db.schema.alterTable('instances').addColumn('name', 'text').execute();
  await db.schema.alterTable('instances').addColumn('status', 'text', (c) => c.notNull().defaultTo('active')).execute();
  await db.schema.alterTable('instances').addColumn('origin', 'text', (c) => c.notNull().defaultTo('server')).execute();
  await db.schema
    .createTable('instance_events')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('instance_id', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('type', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('duration_ms', 'bigint')
    .addColumn('steps', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('instance_events_of').on('instance_events').columns(['org_id', 'instance_id', 'id']).execute();
}

async function createAccess(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('orgs').addColumn('deleted_at', 'bigint').execute();
  await db.schema
    .createTable('api_keys')
    .addColumn('key_id', 'text', (c) => c.primaryKey())
    .addColumn('org_id', 'text', (c) => c.notNull().references('orgs.org_id'))
    .addColumn('role', 'text', (c) => c.notNull())
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('hash', 'text', (c) => c.notNull())
    .addColumn('allowed_models', 'text')
    .addColumn('requests_per_minute', 'integer')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute();
  await db.schema
    .createTable('key_usage')
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('key_id', 'text', (c) => c.notNull())
    .addColumn('requests', 'bigint', (c) => c.notNull())
    .addColumn('tokens_in', 'bigint', (c) => c.notNull())
    .addColumn('tokens_out', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('key_usage_pk', ['org_id', 'key_id'])
    .execute();
  await db.schema
    .createTable('audit')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('action', 'text', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('org_id', 'text', (c) => c.notNull())
    .addColumn('instance_id', 'text')
    .addColumn('outcome', 'text', (c) => c.notNull())
    .addColumn('correlation_id', 'text', (c) => c.notNull())
    .addColumn('detail', 'text')
    .execute();
  await db.schema.createIndex('audit_instance').on('audit').columns(['instance_id', 'id']).execute();
  await db.schema.createIndex('audit_at').on('audit').columns(['at']).execute();
}

async function addCatalog(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('models').addColumn('pin_override', 'integer').execute();
  await db.schema.alterTable('models').addColumn('tags', 'text', (c) => c.notNull().defaultTo('[]')).execute();
  await db.schema.alterTable('models').addColumn('trust', 'text', (c) => c.notNull().defaultTo('{}')).execute();
  await db.schema.alterTable('models').addColumn('verification', 'text').execute();
  await db.schema.alterTable('models').addColumn('last_verified_at', 'bigint').execute();
  await db.schema.alterTable('models').addColumn('retired_at', 'bigint').execute();
  await db.schema.alterTable('models').addColumn('drain_until', 'bigint').execute();
  await db.schema.alterTable('models').addColumn('removed_at', 'bigint').execute();
  await db.schema
    .createTable('catalog')
    .addColumn('id', 'integer', (c) => c.primaryKey())
    .addColumn('version', 'bigint', (c) => c.notNull())
    .execute();
}

async function createBindings(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('bindings')
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('version', 'bigint', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('fingerprint', 'text', (c) => c.notNull())
    .addColumn('provider', 'text', (c) => c.notNull())
    .addColumn('handler', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('bindings_pk', ['id', 'version'])
    .execute();
}

async function createOwnEvents(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('own_events')
    .addColumn('id', 'integer', (c) => c.primaryKey().autoIncrement())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
}
