import type { Role } from '@corral/contracts';
import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** One key as the store keeps it. Times are Unix milliseconds. */
export interface StoredKey {
  readonly keyId: string;
  readonly orgId: string;
  readonly role: Role;
  readonly name: string;
  /** SHA-256 of the whole key. */
  readonly hash: Buffer;
  readonly allowedModels: readonly string[] | null;
  readonly requestsPerMinute: number | null;
  readonly createdAtMs: number;
  readonly expiresAtMs: number | null;
  readonly revokedAtMs: number | null;
}

/** Every key, revoked and expired ones too, the oldest first. */
export async function listKeys(db: Kysely<Database>): Promise<readonly StoredKey[]> {
  const rows = await db.selectFrom('api_keys').selectAll().orderBy('created_at').orderBy('key_id').execute();
  return rows.map((row) => ({
    keyId: row.key_id,
    orgId: row.org_id,
    role: row.role,
    name: row.name,
    hash: Buffer.from(row.hash, 'hex'),
    allowedModels: row.allowed_models === null ? null : (JSON.parse(row.allowed_models) as string[]),
    requestsPerMinute: row.requests_per_minute,
    createdAtMs: row.created_at,
    expiresAtMs: row.expires_at,
    revokedAtMs: row.revoked_at,
  }));
}

export async function insertKey(db: Kysely<Database>, key: StoredKey): Promise<void> {
  await db
    .insertInto('api_keys')
    .values({
      key_id: key.keyId,
      org_id: key.orgId,
      role: key.role,
      name: key.name,
      hash: key.hash.toString('hex'),
      allowed_models: key.allowedModels === null ? null : JSON.stringify(key.allowedModels),
      requests_per_minute: key.requestsPerMinute,
      created_at: key.createdAtMs,
      expires_at: key.expiresAtMs,
      revoked_at: key.revokedAtMs,
    })
    .execute();
}

export async function markRevoked(db: Kysely<Database>, keyId: string, nowMs: number): Promise<void> {
  await db.updateTable('api_keys').set({ revoked_at: nowMs }).where('key_id', '=', keyId).execute();
}
