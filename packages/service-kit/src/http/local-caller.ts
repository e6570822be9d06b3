import { ApiError } from '@corral/contracts';
import type { IncomingMessage } from 'node:http';
import { isLoopbackHost } from './address.js';

/** Whether the request comes from this machine itself, and not through a proxy on it. A unix socket counts. */
export function isLocalCaller(req: IncomingMessage): boolean {
  if (req.headers['x-forwarded-for'] !== undefined || req.headers.forwarded !== undefined) return false;
  const { remoteAddress } = req.socket;
  return remoteAddress === undefined ? !req.socket.destroyed : isLoopbackHost(remoteAddress);
}

/**
 * Refuses what a page from elsewhere makes a browser on this machine send: being on loopback is no proof of
 * identity there. A foreign `Host` is DNS rebinding; a foreign `Origin` is another site's script. [P-60]
 *
 * Only for callers without a token; a token is proof by itself.
 */
export function refuseForeignPage(req: IncomingMessage, allowedOrigins: readonly string[] = []): void {
  const { host, origin } = req.headers;
  if (host !== undefined && host !== '' && !isLoopbackHost(hostName(host))) {
    throw new ApiError('NON_LOOPBACK_WITHOUT_TOKEN', `the Host header names ${host.slice(0, 128)}, which is not this machine`, {
      hint: 'call 127.0.0.1 or localhost, or configure a token and send it',
    });
  }
  if (origin !== undefined && !allowedOrigins.includes(origin) && !isSameOrigin(origin, host)) {
    throw new ApiError('NON_LOOPBACK_WITHOUT_TOKEN', `a page of ${origin.slice(0, 128)} may not call this server without a token`, {
      hint: 'configure a token and send it, or call from a program instead of that page',
    });
  }
}

function hostName(host: string): string {
  return host.replace(/:\d*$/, '');
}

function isSameOrigin(origin: string, host: string | undefined): boolean {
  return URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
}
