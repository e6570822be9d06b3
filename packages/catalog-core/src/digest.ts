/** The digest of a file's bytes, `sha256:` and 64 lower-case hex digits. [D-03] */
export type Digest = `sha256:${string}`;

/** A digest, or why the text is none. The message ends with what to write instead. */
export type ParsedDigest = { readonly kind: 'digest'; readonly digest: Digest } | { readonly kind: 'refused'; readonly message: string };

const HEX_64 = /^[0-9a-f]{64}$/;
const BLOB_NAME = /^sha256-([0-9a-f]{64})$/;

/** Reads `sha256:<hex>`; upper-case digits are accepted and lowered. Other algorithms are refused. [D-03] */
export function parseDigest(text: string): ParsedDigest {
  const lowered = text.trim().toLowerCase();
  const colon = lowered.indexOf(':');
  const algorithm = colon < 0 ? '' : lowered.slice(0, colon);
  const hex = lowered.slice(colon + 1);
  if (algorithm !== 'sha256') return refused(`"${text}" does not name the algorithm sha256; write sha256:<64 hex digits>`);
  if (!HEX_64.test(hex)) return refused(`"${text}" has no 64 hex digits after "sha256:"; copy the whole output of sha256sum`);
  return { kind: 'digest', digest: `sha256:${hex}` };
}

/** The digest with these 64 hex digits, as a hash function prints them. Throws on anything else: the caller has a bug. */
export function digestFromHex(hex: string): Digest {
  if (!HEX_64.test(hex)) throw new Error(`not a sha256 in lower-case hex: ${hex}`);
  return `sha256:${hex}`;
}

/** The hex digits alone. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The name under which a file with this digest lies in the models directory: `sha256-<hex>`. */
export function blobName(digest: Digest): string {
  return `sha256-${digestHex(digest)}`;
}

/** The digest that a file name of the models directory promises, or `null` for any other name. */
export function digestOfBlobName(name: string): Digest | null {
  const hex = BLOB_NAME.exec(name)?.[1];
  return hex === undefined ? null : `sha256:${hex}`;
}

function refused(message: string): ParsedDigest {
  return { kind: 'refused', message };
}
