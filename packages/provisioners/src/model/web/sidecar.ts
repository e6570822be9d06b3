import type { Digest } from '@corral/catalog-core';
import { parseDigest } from '@corral/catalog-core';
import { addRange } from './byte-ranges.js';
import type { ByteRange } from './byte-ranges.js';
import type { Validator } from './file-facts.js';

/** What lies beside an unfinished file and says what it is worth. */
export interface Sidecar {
  /** What the bytes are of; those of another origin are not used. */
  readonly origin: string;
  /** What the place of origin promises, if it does. */
  readonly promised: Digest | null;
  readonly sizeBytes: number;
  readonly validator: Validator;
  /** Bytes that were on the disk before this was written. */
  readonly ranges: readonly ByteRange[];
}

const SCHEMA_VERSION = 1;

export function encodeSidecar({ origin, promised, sizeBytes, validator, ranges }: Sidecar): string {
  return `${JSON.stringify({
    schema_version: SCHEMA_VERSION,
    origin,
    promised,
    size_bytes: sizeBytes,
    [validator.kind === 'etag' ? 'etag' : 'last_modified']: validator.value,
    ranges: ranges.map(({ start, end }) => [start, end]),
  })}\n`;
}

/** `null` for anything that is not exactly what `encodeSidecar` writes: then the bytes are worth nothing. */
export function decodeSidecar(text: string): Sidecar | null {
  let fields: Record<string, unknown> | null;
  try {
    fields = JSON.parse(text) as Record<string, unknown> | null;
  } catch {
    return null;
  }
  if (fields?.['schema_version'] !== SCHEMA_VERSION) return null;
  const { origin, promised, size_bytes: sizeBytes, etag, last_modified: date, ranges } = fields;
  const validator = typeof etag === 'string' ? { kind: 'etag' as const, value: etag } : { kind: 'date' as const, value: date };
  const digest = typeof promised === 'string' ? parseDigest(promised) : null;
  if (typeof origin !== 'string' || !isCount(sizeBytes) || typeof validator.value !== 'string' || digest?.kind === 'refused') return null;
  if (promised !== null && digest === null) return null;
  const read = readRanges(ranges, sizeBytes);
  return read && { origin, promised: digest?.digest ?? null, sizeBytes, validator: validator as Validator, ranges: read };
}

function readRanges(value: unknown, sizeBytes: number): readonly ByteRange[] | null {
  if (!Array.isArray(value)) return null;
  let ranges: readonly ByteRange[] = [];
  for (const item of value) {
    const [start, end] = Array.isArray(item) ? (item as unknown[]) : [];
    if (!isCount(start) || !isCount(end) || start >= end || end > sizeBytes) return null;
    ranges = addRange(ranges, { start, end });
  }
  return ranges;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
