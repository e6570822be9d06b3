import { ProvisionError } from '../provision-error.js';

/** The target of a redirect. Throws FETCH_FAILED for one that is none, or that would leave an encrypted connection. */
export function nextUrl(from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href))
    throw new ProvisionError('FETCH_FAILED', `${from.host} redirects to nowhere; correct the address`);
  const to = new URL(location, from);
  if (to.protocol !== 'http:' && to.protocol !== 'https:')
    throw new ProvisionError('FETCH_FAILED', `${from.host} redirects to a ${to.protocol} address; correct the address`);
  if (from.protocol === 'https:' && to.protocol === 'http:') {
    throw new ProvisionError(
      'FETCH_FAILED',
      `${from.host} redirects to ${to.host} without encryption, which is not followed; use the address of a server that stays with https`,
    );
  }
  to.hash = '';
  return to;
}
