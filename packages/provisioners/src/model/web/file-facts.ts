/** What lets a server say that a file is still the same. A weak ETag does not: equal ones may have different bytes. */
export type Validator = { readonly kind: 'etag'; readonly value: string } | { readonly kind: 'date'; readonly value: string };

/** What a server told of a file. */
export interface FileFacts {
  /** `null` when it did not say. */
  readonly sizeBytes: number | null;
  readonly validator: Validator | null;
  /** It said that it answers with parts. */
  readonly acceptsRanges: boolean;
}

/** Reads one header by its lower-case name; `null` when it is not there. */
export type Header = (name: string) => string | null;

/** The strong ETag, else the time of the last change, else `null`. */
export function validatorOf(header: Header): Validator | null {
  const etag = header('etag')?.trim();
  if (etag !== undefined && /^"[^"]*"$/.test(etag)) return { kind: 'etag', value: etag };
  const date = header('last-modified')?.trim();
  return date !== undefined && !Number.isNaN(Date.parse(date)) ? { kind: 'date', value: date } : null;
}

/** Whether the server says of both that they are the same file; `null` when it says nothing. */
export function isSameFile(known: Validator, header: Header): boolean | null {
  const found = header(known.kind === 'etag' ? 'etag' : 'last-modified')?.trim();
  return found === undefined ? null : found === known.value;
}

/** A count of bytes in a header, or `null` when it is none. */
export function byteCount(text: string | null): number | null {
  if (text === null || !/^\d{1,15}$/.test(text.trim())) return null;
  return Number(text);
}
