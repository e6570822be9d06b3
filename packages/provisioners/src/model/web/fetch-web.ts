import type { ProvisionCode } from '../provision-error.js';
import type { Fetcher } from '../fetcher.js';
import { download } from './download.js';
import type { WebPorts } from './web-file.js';

/** Builds the fetcher for addresses of single files. [D-50 D-51 D-52] */
export function webFetcher(ports: WebPorts): Fetcher<'http' | 'https'> {
  return async ({ scheme, location }, { resumableFolder, expected, assertRoom, signal, onProgress }) => {
    const url = new URL(`${scheme}://${location}`);
    url.hash = '';
    const folder = await resumableFolder();
    onProgress({ phase: 'downloading', bytes: 0, totalBytes: null });
    const { path, broughtBytes } = await download(
      { url, authorization: null, origin: url.href, promised: null, sizeBytes: null, isVerified: expected !== null, advice },
      folder,
      ports,
      { assertRoom, signal, onProgress },
    );
    return { path, placement: 'partial', promised: null, fetchedBytes: broughtBytes };
  };
}

function advice(code: ProvisionCode): string {
  switch (code) {
    case 'ACCESS_DENIED':
      return 'download the file with your own access and give the model a file: source';
    case 'NOT_FOUND':
      return 'correct the address';
    default:
      return 'check the address, for example with curl';
  }
}
