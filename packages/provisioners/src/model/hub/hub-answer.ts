import { digestFromHex } from '@corral/catalog-core';
import type { Digest } from '@corral/catalog-core';
import type { ProvisionCode } from '../provision-error.js';
import { byteCount } from '../web/file-facts.js';
import type { Header } from '../web/file-facts.js';

/** What the hub tells of one file. */
export interface HubFile {
  /** The commit that the revision stands for at this moment; `null` where the hub does not say. */
  readonly commit: string | null;
  readonly sizeBytes: number | null;
  readonly digest: Digest | null;
}

/** Reads the headers that describe a file. Small files have a hash of another kind, which is none. */
export function readHubFile(header: Header): HubFile {
  const linked = header('x-linked-etag');
  const hex = /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec((linked ?? header('etag') ?? '').trim())?.[1]?.toLowerCase();
  const commit = header('x-repo-commit')?.trim() ?? '';
  return {
    commit: /^[0-9a-f]{7,64}$/i.test(commit) ? commit : null,
    sizeBytes: byteCount(header('x-linked-size') ?? (linked === null ? header('content-length') : null)),
    digest: hex === undefined ? null : digestFromHex(hex),
  };
}

/** Whether a redirect is the hub's own word about a file, and not only another address of it. */
export function describesFile(header: Header): boolean {
  return header('x-linked-etag') !== null || header('x-repo-commit') !== null;
}

/** A refusal of the hub in a sentence that ends with the next step; `null` for a status that is none. */
export function hubRefusal(
  status: number,
  header: Header,
  { source, revision, hasToken }: { readonly source: string; readonly revision: string; readonly hasToken: boolean },
): { readonly code: ProvisionCode; readonly message: string } | null {
  const code = header('x-error-code');
  const token = hasToken ? 'see that HF_TOKEN is a token of an account that may read it' : 'set HF_TOKEN to a token of your account';
  if (code === 'GatedRepo' || (status === 403 && code === null))
    return { code: 'ACCESS_DENIED', message: `${source} is given only to those who accepted its licence; accept it on its page, ${token}, and start the daemon again` };
  if (status === 401 || status === 403)
    return { code: 'ACCESS_DENIED', message: `${source} does not exist, or is private or gated; correct the name, or accept its licence on its page and ${token}` };
  if (code === 'RevisionNotFound') return { code: 'NOT_FOUND', message: `${source} has no revision ${revision}; correct what stands after the @` };
  if (status === 404 || status === 410) return { code: 'NOT_FOUND', message: `${source} does not exist; correct the organisation and the repository` };
  if (status >= 300) return { code: 'FETCH_FAILED', message: `the hub answered with status ${status} about ${source}; try again later, or check HF_ENDPOINT` };
  return null;
}
