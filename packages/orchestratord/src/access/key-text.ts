import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SHAPE = /^ck_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;
const SECRET_BYTES = 32;
const ID_BYTES = 8;

export interface NewKeyText {
  readonly keyId: string;
  /** `ck_<key id>_<256 random bits>`. */
  readonly text: string;
  readonly hash: Buffer;
}

/** A key that nobody can guess. [B-131] */
export function newKeyText(): NewKeyText {
  const keyId = randomBytes(ID_BYTES).toString('hex');
  const text = `ck_${keyId}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
  return { keyId, text, hash: hashOf(text) };
}

/** The id in a key's text; `undefined` where it is no key of ours. */
export function keyIdIn(text: string): string | undefined {
  return SHAPE.exec(text)?.[1];
}

/** In constant time, also where there is no such key. */
export function isKeyText(text: string, hash: Buffer | undefined): boolean {
  const given = hashOf(text);
  return timingSafeEqual(given, hash ?? NO_HASH) && hash !== undefined;
}

const NO_HASH = Buffer.alloc(32);

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
