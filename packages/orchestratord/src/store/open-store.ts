import { join } from 'node:path';
import { messageOf } from '@corral/service-kit';
import type { Clock, Log } from '@corral/service-kit';
import { Kysely, Migrator, SqliteDialect, type SqliteDatabase } from 'kysely';
import Libsql from 'libsql';
import { MIGRATIONS } from './migrations.js';
import type { Database } from './schema.js';
import { StoreError } from './store-error.js';
import { lockStore } from './store-lock.js';

/** The org that exists on every installation. */
export const DEFAULT_ORG = 'default';

export interface StoreOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Rows on disk. A commit costs a disk sync, so only what must survive a crash goes here. [G-22] */
export interface Store {
  readonly db: Kysely<Database>;
  readonly clock: Clock;
  /** Ends the connection, then gives up the state directory. */
  close(): Promise<void>;
}

/**
 * Opens `<stateDir>/corral.db`, bringing its schema up to date. The directory is created; one process at a time has it.
 *
 * Throws {@link StoreError} when another process has it, a newer version wrote it, or it cannot be read.
 */
export async function openStore({ stateDir, clock, log }: StoreOptions): Promise<Store> {
  const lock = await lockStore(stateDir);
  const path = join(stateDir, 'corral.db');
  let db: Kysely<Database> | undefined;
  try {
    db = new Kysely<Database>({ dialect: new SqliteDialect({ database: connect(path) }) });
    await migrate(db, path, log);
    await db.insertInto('orgs').values({ org_id: DEFAULT_ORG, created_at: clock.nowMs() }).onConflict((c) => c.doNothing()).execute();
  } catch (error) {
    await db?.destroy();
    await lock.release();
    throw error instanceof StoreError ? error : unreadable(path, error);
  }
  const opened = db;
  return {
    db: opened,
    clock,
    close: async () => {
      await opened.destroy();
      await lock.release();
    },
  };
}

/** `synchronous = FULL` makes a commit survive power loss; WAL keeps readers and the writer apart. */
function connect(path: string): SqliteDatabase {
  const database = new Libsql(path, { timeout: 5_000 });
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON');
  return database as unknown as SqliteDatabase;
}

async function migrate(db: Kysely<Database>, path: string, log: Log): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...MIGRATIONS }) } });
  const known = new Set(Object.keys(MIGRATIONS));
  const newer = (await executedMigrations(db)).find((name) => !known.has(name));
  if (newer !== undefined) {
    throw new StoreError('NEWER_SCHEMA', `${path} was written by a newer version (it has ${newer}); start that version, or give this one another --state-dir`);
  }
  const { error, results = [] } = await migrator.migrateToLatest();
  for (const { migrationName, status } of results) {
    if (status === 'Success') log.info('store migrated', { migration: migrationName });
  }
  if (error !== undefined) throw error instanceof Error ? error : new Error('a migration failed', { cause: error });
}

async function executedMigrations(db: Kysely<Database>): Promise<readonly string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === 'kysely_migration')) return [];
  const rows = await db.withTables<{ kysely_migration: { name: string } }>().selectFrom('kysely_migration').select('name').execute();
  return rows.map(({ name }) => name);
}

function unreadable(path: string, cause: unknown): StoreError {
  const why = messageOf(cause);
  return new StoreError('UNREADABLE', `${path} cannot be opened (${why}); restore it from a copy, or move it away and start again`, { cause });
}
