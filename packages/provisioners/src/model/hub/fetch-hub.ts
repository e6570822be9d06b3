import { formatModelRef } from '@corral/catalog-core';
import type { FetchContext, Fetcher } from '../fetcher.js';
import { ProvisionError } from '../provision-error.js';
import type { ProvisionCode } from '../provision-error.js';
import { download } from '../web/download.js';
import type { WebPorts } from '../web/web-file.js';
import { chooseFile, splitProblem } from './choose-file.js';
import type { HubFile } from './hub-answer.js';
import { HubClient } from './hub-client.js';
import { fileUrl, hubPlace } from './hub-place.js';
import type { HubRef } from './hub-place.js';

/** Builds the fetcher for files of the hub: it asks what the file is, then downloads exactly that version of it. [D-55 D-56 D-57] */
export function hubFetcher(env: NodeJS.ProcessEnv, ports: WebPorts): Fetcher<'hf'> {
  return async (ref, context) => {
    const place = hubPlace(env);
    const hub = new HubClient(place, ports, context.signal);
    const path = ref.path ?? (await onlyFile(ref, hub));
    const split = splitProblem(path);
    if (split !== null) throw new ProvisionError('NOT_FOUND', split);
    const file = await hub.file(ref, path);
    assertWanted(file, context);
    const url = fileUrl(place, ref, path, file.commit ?? ref.revision);
    const folder = await context.resumableFolder();
    const { path: local, broughtBytes } = await download(
      {
        url,
        authorization: place.authorization,
        // Bytes of one digest are the same at every commit.
        origin: file.digest === null ? url.href : formatModelRef({ ...ref, path, revision: 'main' }),
        promised: file.digest,
        sizeBytes: file.sizeBytes,
        isVerified: file.digest !== null || context.expected !== null,
        advice,
      },
      folder,
      ports,
      context,
    );
    const promised = file.digest && { digest: file.digest, by: 'the hub', advice: 'try again' };
    return { path: local, placement: 'partial', promised, fetchedBytes: broughtBytes };
  };
}

async function onlyFile(ref: HubRef, hub: HubClient): Promise<string> {
  const choice = chooseFile(formatModelRef(ref), await hub.paths(ref));
  if (choice.kind === 'none') throw new ProvisionError('NOT_FOUND', choice.message);
  return choice.path;
}

/** Nothing is downloaded that is known to be another file. */
function assertWanted({ digest }: HubFile, { expected }: FetchContext): void {
  if (digest === null || expected === null || digest === expected) return;
  throw new ProvisionError(
    'DIGEST_MISMATCH',
    `the hub promises the digest ${digest} for this file instead of ${expected}; correct the digest if this file is the right one, else the source`,
  );
}

function advice(code: ProvisionCode): string {
  return code === 'ACCESS_DENIED' ? 'accept the licence on the page of the model, and set HF_TOKEN to a token of that account' : 'try again later';
}
