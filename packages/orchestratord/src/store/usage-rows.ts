import type { Kysely } from 'kysely';
import type { Database } from './schema.js';

/** What one key, or the callers of one org that had none, used. */
export interface Usage {
  readonly orgId: string;
  readonly keyId: string | null;
  readonly requests: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Unix milliseconds. */
  readonly lastUsedAtMs: number;
}

export interface UsageQuery {
  readonly orgId: string | null;
  readonly keyId: string | null;
  /** Only what comes after this one, in the order of org and key. */
  readonly after: Pick<Usage, 'orgId' | 'keyId'> | null;
  readonly limit: number;
}

/** Adds to what is there, all in one commit. */
export async function addUsage(db: Kysely<Database>, added: readonly Usage[]): Promise<void> {
  await db.transaction().execute(async (tx) => {
    for (const one of added) {
      await tx
        .insertInto('key_usage')
        .values({ org_id: one.orgId, key_id: one.keyId ?? '', requests: one.requests, tokens_in: one.tokensIn, tokens_out: one.tokensOut, last_used_at: one.lastUsedAtMs })
        .onConflict((c) =>
          c.columns(['org_id', 'key_id']).doUpdateSet((e) => ({
            requests: e('key_usage.requests', '+', e.ref('excluded.requests')),
            tokens_in: e('key_usage.tokens_in', '+', e.ref('excluded.tokens_in')),
            tokens_out: e('key_usage.tokens_out', '+', e.ref('excluded.tokens_out')),
            last_used_at: e.ref('excluded.last_used_at'),
          })),
        )
        .execute();
    }
  });
}

/** By org, then key; callers without a key first. */
export async function listUsage(db: Kysely<Database>, { orgId, keyId, after, limit }: UsageQuery): Promise<readonly Usage[]> {
  let rows = db.selectFrom('key_usage').selectAll().orderBy('org_id').orderBy('key_id').limit(limit);
  if (orgId !== null) rows = rows.where('org_id', '=', orgId);
  if (keyId !== null) rows = rows.where('key_id', '=', keyId);
  if (after !== null) rows = rows.where((e) => e.or([e('org_id', '>', after.orgId), e.and([e('org_id', '=', after.orgId), e('key_id', '>', after.keyId ?? '')])]));
  return (await rows.execute()).map((row) => ({
    orgId: row.org_id,
    keyId: row.key_id === '' ? null : row.key_id,
    requests: row.requests,
    tokensIn: row.tokens_in,
    tokensOut: row.tokens_out,
    lastUsedAtMs: row.last_used_at,
  }));
}
