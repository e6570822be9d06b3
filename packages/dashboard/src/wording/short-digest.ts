const SHOWN = 12;

/** Enough of a digest to tell two files apart: `sha256:3f9a41c07b12…`. */
export function shortDigest(digest: string): string {
  const end = digest.indexOf(':') + 1 + SHOWN;
  return digest.length > end ? `${digest.slice(0, end)}…` : digest;
}
