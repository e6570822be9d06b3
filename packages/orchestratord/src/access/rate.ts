/** A bucket of requests: full after a quiet minute, and filled again evenly. */
export interface Bucket {
  readonly tokens: number;
  /** Monotonic milliseconds of the last look. */
  readonly atMs: number;
}

export type Taken = { readonly kind: 'taken'; readonly bucket: Bucket } | { readonly kind: 'refused'; readonly retryAfterMs: number };

const MINUTE_MS = 60_000;

/** Takes one request out of a bucket that holds `perMinute`; a caller that was never seen has a full one. Pure. [B-137] */
export function takeRequest(bucket: Bucket | undefined, perMinute: number, nowMs: number): Taken {
  const before = bucket ?? { tokens: perMinute, atMs: nowMs };
  const tokens = Math.min(perMinute, before.tokens + (Math.max(0, nowMs - before.atMs) * perMinute) / MINUTE_MS);
  if (tokens >= 1) return { kind: 'taken', bucket: { tokens: tokens - 1, atMs: nowMs } };
  return { kind: 'refused', retryAfterMs: Math.ceil(((1 - tokens) * MINUTE_MS) / perMinute) };
}
