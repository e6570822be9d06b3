/** A bucket of requests: full after a quiet minute, and filled again evenly. */
export interface Bucket {
  /** A request costs a minute's milliseconds, and each millisecond brings the requests of a minute: whole numbers, so that nothing is rounded. */
  readonly credit: number;
  /** Whole monotonic milliseconds of the last look. */
  readonly atMs: number;
}

export type Taken = { readonly kind: 'taken'; readonly bucket: Bucket } | { readonly kind: 'refused'; readonly retryAfterMs: number };

const COST = 60_000;

/** Takes one request out of a bucket that holds `perMinute`; a caller that was never seen has a full one. Pure. [B-137] */
export function takeRequest(bucket: Bucket | undefined, perMinute: number, nowMs: number): Taken {
  const atMs = Math.floor(nowMs);
  const full = perMinute * COST;
  const credit = bucket === undefined ? full : Math.min(full, bucket.credit + Math.max(0, atMs - bucket.atMs) * perMinute);
  if (credit >= COST) return { kind: 'taken', bucket: { credit: credit - COST, atMs } };
  return { kind: 'refused', retryAfterMs: Math.ceil((COST - credit) / perMinute) };
}
