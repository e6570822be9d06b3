import { REF_SCHEMES } from '@corral/catalog-core';
import type { RefScheme } from '@corral/catalog-core';

/** Which kinds of sources this node may use. [D-22] */
export interface FetchPolicy {
  /** `null` when sources of this scheme may be used, else why not, with the next step. */
  refusal(scheme: RefScheme): string | null;
}

/** A policy, or what is wrong with its text. */
export type ParsedFetchPolicy =
  { readonly kind: 'policy'; readonly policy: FetchPolicy } | { readonly kind: 'refused'; readonly message: string };

/** Every source may be used. */
export const ALLOW_EVERY_SOURCE: FetchPolicy = { refusal: () => null };

/**
 * Reads the value of FETCH_ALLOW: a comma list of schemes, where `file` alone keeps the node off the network.
 *
 * Without a value every scheme is allowed; an empty list allows none. [D-22]
 */
export function parseFetchPolicy(value: string | readonly string[] | null | undefined): ParsedFetchPolicy {
  if (value === undefined || value === null) return { kind: 'policy', policy: ALLOW_EVERY_SOURCE };
  const names = (typeof value === 'string' ? value.split(',') : value)
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const unknown = names.filter((name) => !REF_SCHEMES.some((scheme) => scheme === name));
  if (unknown.length > 0) {
    return {
      kind: 'refused',
      message: `FETCH_ALLOW names ${unknown.map((name) => `"${name}"`).join(', ')}; use a comma list of ${REF_SCHEMES.join(', ')}`,
    };
  }
  const list = names.join(',');
  return {
    kind: 'policy',
    policy: {
      refusal: (scheme) =>
        names.includes(scheme)
          ? null
          : `FETCH_ALLOW=${list} does not allow ${scheme}: sources; add ${scheme} to FETCH_ALLOW, or give the model a source that is allowed, like file:/models/tiny.gguf`,
    },
  };
}
