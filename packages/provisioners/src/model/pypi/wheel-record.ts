import { digestFromHex } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';

/** What a wheel's RECORD says about one member. `other_hash`: it is listed with a hash that is no sha256. */
export type RecordedMember =
  { readonly kind: 'sha256'; readonly digest: Digest } | { readonly kind: 'other_hash' } | { readonly kind: 'not_listed' };

/** Looks a member up in the text of a wheel's RECORD, a CSV of path, `algorithm=urlsafe-base64` and size. */
export function recordedMember(record: string, member: string): RecordedMember {
  for (const line of record.split(/\r?\n/)) {
    const [path, hash] = fieldsOf(line);
    if (path !== member) continue;
    const encoded = /^sha256=([A-Za-z0-9_-]{43})=?$/.exec(hash ?? '')?.[1];
    return encoded === undefined
      ? { kind: 'other_hash' }
      : { kind: 'sha256', digest: digestFromHex(Buffer.from(encoded, 'base64url').toString('hex')) };
  }
  return { kind: 'not_listed' };
}

function fieldsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(
    ([, quoted, plain]) => quoted?.replaceAll('""', '"') ?? plain ?? '',
  );
}
