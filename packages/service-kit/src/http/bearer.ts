import { createHash, timingSafeEqual } from 'node:crypto';

export type Bearer =
  { readonly kind: 'none' } | { readonly kind: 'malformed'; readonly problem: string } | { readonly kind: 'token'; readonly token: string };

const LONGEST_HEADER = 8_192;
/** Shorter tokens can be guessed. [P-33] */
export const SHORTEST_TOKEN = 32;

/** Reads an `Authorization` header: exactly `Bearer `, then the token, trimmed, without control characters. [P-33] */
export function parseBearer(header: string | undefined): Bearer {
  if (header === undefined) return { kind: 'none' };
  if (Buffer.byteLength(header) > LONGEST_HEADER) return { kind: 'malformed', problem: 'the Authorization header is longer than 8 KiB' };
  if (!header.startsWith('Bearer ')) return { kind: 'malformed', problem: 'the Authorization header does not start with "Bearer "' };
  const token = header.slice('Bearer '.length).trim();
  if (token === '') return { kind: 'malformed', problem: 'the Authorization header has no token after "Bearer "' };
  if (/\p{Cc}/u.test(token)) return { kind: 'malformed', problem: 'the token has control characters' };
  return { kind: 'token', token };
}

/** The first six hex digits of the token's SHA-256: enough to tell tokens apart in a log, useless as a token. [P-32] */
export function fingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 6);
}

/**
 * Compares with every accepted token in constant time and returns the fingerprint of the one that matches,
 * `undefined` when none does. Digests are compared, so lengths do not show either. [P-32]
 */
export function tokenMatcher(tokens: readonly string[]): (token: string) => string | undefined {
  const accepted = tokens.map((token) => ({ digest: digestOf(token), fingerprint: fingerprint(token) }));
  return (token) => {
    const given = digestOf(token);
    return accepted.filter(({ digest }) => timingSafeEqual(digest, given))[0]?.fingerprint;
  };
}

/** Fingerprints of the tokens that are too short to be safe. [P-33] */
export function weakTokens(tokens: readonly string[]): string[] {
  return tokens.filter((token) => token.length < SHORTEST_TOKEN).map(fingerprint);
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
