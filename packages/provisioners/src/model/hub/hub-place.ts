import type { ModelRef } from '@corral/catalog-core';
import { ProvisionError } from '../provision-error.js';

/** A reference to a file, or to a repository, on the hub. */
export type HubRef = Extract<ModelRef, { scheme: 'hf' }>;

/** Where the hub is, and who asks. */
export interface HubPlace {
  readonly base: URL;
  /** Value of the Authorization header. */
  readonly authorization: string | null;
}

/** The hub that the scheme is named after. */
const DEFAULT_BASE = 'https://huggingface.co';

/** Reads HF_ENDPOINT and HF_TOKEN. Throws INVALID_SOURCE when the first is no address. */
export function hubPlace(env: NodeJS.ProcessEnv): HubPlace {
  const endpoint = env['HF_ENDPOINT']?.trim() || DEFAULT_BASE;
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))
    throw new ProvisionError('INVALID_SOURCE', `HF_ENDPOINT is ${JSON.stringify(endpoint)}, which is no address; write https://host, or unset it`);
  const token = env['HF_TOKEN']?.trim() ?? '';
  return { base: new URL(endpoint.replace(/\/*$/, '/')), authorization: token === '' ? null : `Bearer ${token}` };
}

/** Address of one file at one revision. */
export function fileUrl({ base }: HubPlace, { org, repo }: HubRef, path: string, revision: string): URL {
  return new URL(`${org}/${repo}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`, base);
}

/** Address of the list of files. */
export function treeUrl({ base }: HubPlace, { org, repo, revision }: HubRef): URL {
  return new URL(`api/models/${org}/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`, base);
}
