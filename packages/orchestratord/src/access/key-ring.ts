import { ApiError, type Role } from '@corral/contracts';
import { SerialQueue } from '@corral/service-kit';
import { insertKey, listKeys, markRevoked, type StoredKey } from '../store/key-rows.js';
import type { Store } from '../store/open-store.js';
import { isKeyText, keyIdIn, newKeyText } from './key-text.js';

export interface NewKey {
  readonly orgId: string;
  readonly role: Role;
  readonly name: string;
  readonly expiresAtMs: number | null;
  readonly allowedModels: readonly string[] | null;
  readonly requestsPerMinute: number | null;
}

/** Revoked ones count: they stay, so that what they did can be told. */
const KEYS_MAX = 100_000;
const CHANGES_WAITING_MAX = 1_000;

/** The one owner of keys: what the store has, held in memory, so that a revoked key is refused from that moment on. [B-131] */
export class KeyRing {
  readonly #keys = new Map<string, StoredKey>();
  readonly #changes = new SerialQueue(CHANGES_WAITING_MAX);

  private constructor(private readonly store: Store) {}

  static async open(store: Store): Promise<KeyRing> {
    const ring = new KeyRing(store);
    for (const key of await listKeys(store.db)) ring.#keys.set(key.keyId, key);
    return ring;
  }

  /** Whether there has ever been one: from then on callers need one, also when all are revoked. */
  get inUse(): boolean {
    return this.#keys.size > 0;
  }

  /** Every key, revoked and expired ones too, the oldest first. */
  list(): readonly StoredKey[] {
    return [...this.#keys.values()];
  }

  get(keyId: string): StoredKey | undefined {
    return this.#keys.get(keyId);
  }

  /** Keys of an org that are not revoked. */
  activeOf(orgId: string): readonly StoredKey[] {
    return this.list().filter((key) => key.orgId === orgId && key.revokedAtMs === null);
  }

  /** The key of this text; `undefined` when there is none. Throws BAD_TOKEN for one that is revoked or has expired. [P-32] */
  find(text: string): StoredKey | undefined {
    const key = this.#keys.get(keyIdIn(text) ?? '');
    if (!isKeyText(text, key?.hash) || key === undefined) return undefined;
    if (key.revokedAtMs !== null) throw new ApiError('BAD_TOKEN', `key ${key.keyId} was revoked; use another one`);
    if (key.expiresAtMs !== null && key.expiresAtMs <= this.store.clock.nowMs()) throw new ApiError('BAD_TOKEN', `key ${key.keyId} has expired; ask for another one`);
    return key;
  }

  /** The only moment at which the text of a key is known. The first key must be a system_admin's. [B-132] */
  create(wanted: NewKey): Promise<{ readonly key: StoredKey; readonly text: string }> {
    return this.#changes.run(async () => {
      if (!this.inUse && wanted.role !== 'system_admin') {
        throw new ApiError('INVALID_PARAMS', 'the first key must have the role system_admin, since from then on every call needs a key; create that one first', { field: 'role' });
      }
      if (this.#keys.size >= KEYS_MAX) throw new ApiError('CONFLICT', `there are ${KEYS_MAX} keys, revoked ones included; give out fewer keys, or start another server`);
      const { keyId, text, hash } = newKeyText();
      const key: StoredKey = { ...wanted, keyId, hash, createdAtMs: this.store.clock.nowMs(), revokedAtMs: null };
      await insertKey(this.store.db, key);
      this.#keys.set(keyId, key);
      return { key, text };
    });
  }

  /** Throws 404 for a key that never was and 410 for one that is revoked. */
  revoke(keyId: string): Promise<void> {
    return this.#changes.run(async () => {
      const key = this.#keys.get(keyId);
      if (key === undefined) throw unknownKey(keyId);
      if (key.revokedAtMs !== null) throw new ApiError('GONE', `key ${keyId} is revoked already; nothing is left to do`);
      const revokedAtMs = this.store.clock.nowMs();
      await markRevoked(this.store.db, keyId, revokedAtMs);
      this.#keys.set(keyId, { ...key, revokedAtMs });
    });
  }
}

export function unknownKey(keyId: string): ApiError {
  return new ApiError('NOT_FOUND', `there is no key ${keyId.slice(0, 128)}; GET /api/admin/keys lists them`);
}
