import type { Tier } from '@corral/contracts';
import type { Kysely, Selectable } from 'kysely';
import type { Database, InstanceTable } from './schema.js';

/** What names an instance. */
export interface InstanceKey {
  readonly orgId: string;
  readonly instanceId: string;
}

/** One instance as the store keeps it. Times are Unix milliseconds. */
export interface InstanceRecord extends InstanceKey {
  /** `implicit` ones are kept by the server for a route or a bare model. */
  readonly kind: 'explicit' | 'implicit';
  /** For people; `null` = its id says enough. */
  readonly name: string | null;
  /** A suspended one serves and loads nothing. */
  readonly status: 'active' | 'suspended';
  /** Who made it: what the manifest made follows the manifest, implicit ones are the server's. */
  readonly origin: 'api' | 'manifest' | 'server';
  readonly modelRef: string;
  readonly tier: Tier;
  readonly ttlS: number | null;
  readonly config: Readonly<Record<string, unknown>>;
  readonly configHash: string;
  readonly generation: number;
  /** The effective tier of the load that holds it; `null` = nothing holds it. [G-02] */
  readonly heldTier: Tier | null;
  /** The last use that was written down, which a later one may follow by a while; `null` = never. [C-65] */
  readonly lastUsedAtMs: number | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly deletedAtMs: number | null;
}

/** What an instance is, without what the store adds. */
export type InstanceDefinition = Omit<InstanceRecord, 'generation' | 'heldTier' | 'lastUsedAtMs' | 'createdAtMs' | 'updatedAtMs' | 'deletedAtMs'>;

/** Every instance that is not deleted. */
export async function listInstances(db: Kysely<Database>): Promise<readonly InstanceRecord[]> {
  const rows = await db.selectFrom('instances').selectAll().where('deleted_at', 'is', null).orderBy('org_id').orderBy('instance_id').execute();
  return rows.map(recordOf);
}

/** Creates the instance, or gives an existing (even a deleted) one this definition; its generation goes on. */
export async function putInstance(db: Kysely<Database>, definition: InstanceDefinition, nowMs: number): Promise<InstanceRecord> {
  const changed = {
    kind: definition.kind,
    name: definition.name,
    status: definition.status,
    origin: definition.origin,
    model_ref: definition.modelRef,
    tier: definition.tier,
    ttl_s: definition.ttlS,
    config: JSON.stringify(definition.config),
    config_hash: definition.configHash,
    updated_at: nowMs,
    deleted_at: null,
  };
  const row = await db
    .insertInto('instances')
    .values({ ...changed, org_id: definition.orgId, instance_id: definition.instanceId, generation: 0, held_tier: null, last_used_at: null, created_at: nowMs })
    .onConflict((c) => c.columns(['org_id', 'instance_id']).doUpdateSet(changed))
    .returningAll()
    .executeTakeFirstOrThrow();
  return recordOf(row);
}

/**
 * The row that an assignment hangs on: an implicit instance gets this definition, an explicit one is as its org made it.
 * Throws when an explicit one is deleted: then nothing may be wanted of it.
 */
export async function ensureInstance(db: Kysely<Database>, definition: InstanceDefinition, nowMs: number): Promise<InstanceRecord> {
  if (definition.kind === 'implicit') return putInstance(db, definition, nowMs);
  const record = await readInstance(db, definition);
  if (record === undefined || record.deletedAtMs !== null) throw new Error(`instance ${definition.orgId}/${definition.instanceId} was deleted meanwhile`);
  return record;
}

/** The instance as the store has it; `undefined` when it never was, a record with `deletedAtMs` when it is deleted. */
export async function readInstance(db: Kysely<Database>, { orgId, instanceId }: InstanceKey): Promise<InstanceRecord | undefined> {
  const row = await db.selectFrom('instances').selectAll().where('org_id', '=', orgId).where('instance_id', '=', instanceId).executeTakeFirst();
  return row === undefined ? undefined : recordOf(row);
}

/** Creates an explicit instance, in place of a deleted one too; `undefined` when there is one. A held tier counts as a load that was asked for. */
export async function createInstance(db: Kysely<Database>, definition: InstanceDefinition & Pick<InstanceRecord, 'heldTier'>, nowMs: number): Promise<InstanceRecord | undefined> {
  const before = await readInstance(db, definition);
  if (before !== undefined && before.deletedAtMs === null) return undefined;
  await putInstance(db, definition, nowMs);
  const { orgId, instanceId, heldTier } = definition;
  const fresh = { created_at: nowMs, held_tier: heldTier, last_used_at: null };
  const row = await db.updateTable('instances').set(fresh).where('org_id', '=', orgId).where('instance_id', '=', instanceId).returningAll().executeTakeFirstOrThrow();
  return recordOf(row);
}

/** Marks the instance as deleted; `false` when there is none. Its row stays, so that its generation only grows. */
export async function deleteInstance(db: Kysely<Database>, { orgId, instanceId }: InstanceKey, nowMs: number): Promise<boolean> {
  const row = await db
    .updateTable('instances')
    .set({ deleted_at: nowMs, updated_at: nowMs, held_tier: null })
    .where('org_id', '=', orgId)
    .where('instance_id', '=', instanceId)
    .where('deleted_at', 'is', null)
    .returning('instance_id')
    .executeTakeFirst();
  return row !== undefined;
}

/** Says which load holds the instance; `null` = none does. */
export async function setHeldTier(db: Kysely<Database>, { orgId, instanceId }: InstanceKey, heldTier: Tier | null): Promise<void> {
  await db.updateTable('instances').set({ held_tier: heldTier }).where('org_id', '=', orgId).where('instance_id', '=', instanceId).execute();
}

/** Writes down when instances were last used. Unix milliseconds. */
export async function setLastUsed(db: Kysely<Database>, uses: readonly (InstanceKey & { readonly lastUsedAtMs: number })[]): Promise<void> {
  for (const { orgId, instanceId, lastUsedAtMs } of uses) {
    await db.updateTable('instances').set({ last_used_at: lastUsedAtMs }).where('org_id', '=', orgId).where('instance_id', '=', instanceId).execute();
  }
}

/** Gives out the next generation of the instance. Throws when there is none: its caller has a defect. [E-10] */
export async function nextGeneration(db: Kysely<Database>, { orgId, instanceId }: InstanceKey): Promise<number> {
  const row = await db
    .updateTable('instances')
    .set((e) => ({ generation: e('generation', '+', 1) }))
    .where('org_id', '=', orgId)
    .where('instance_id', '=', instanceId)
    .returning('generation')
    .executeTakeFirst();
  if (row === undefined) throw new Error(`no instance ${orgId}/${instanceId} in the store`);
  return row.generation;
}

function recordOf(row: Selectable<InstanceTable>): InstanceRecord {
  return {
    orgId: row.org_id,
    instanceId: row.instance_id,
    kind: row.kind,
    name: row.name,
    status: row.status,
    origin: row.origin,
    modelRef: row.model_ref,
    tier: row.tier as Tier,
    ttlS: row.ttl_s,
    config: JSON.parse(row.config) as Record<string, unknown>,
    configHash: row.config_hash,
    generation: row.generation,
    heldTier: row.held_tier as Tier | null,
    lastUsedAtMs: row.last_used_at,
    createdAtMs: row.created_at,
    updatedAtMs: row.updated_at,
    deletedAtMs: row.deleted_at,
  };
}
