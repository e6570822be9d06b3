import { hostname } from 'node:os';
import { formatAddress, isLoopbackHost } from '@corral/service-kit';

export interface AdvertiseInput {
  /** As configured; empty = derived. */
  readonly advertiseUrl: string;
  /** Where the node listens, with the real port. */
  readonly url: string;
  readonly host: string;
  readonly orchestratorUrl: string;
}

const WILDCARDS = ['0.0.0.0', '::', '[::]'];

/** The URL under which the control plane reaches this node. On all addresses, another machine calls it by its host name. */
export function advertisedUrl({ advertiseUrl, url, host, orchestratorUrl }: AdvertiseInput, name = hostname()): string {
  if (advertiseUrl !== '') return advertiseUrl.replace(/\/$/, '');
  const isHere = isLoopbackHost(new URL(orchestratorUrl).hostname);
  if (!WILDCARDS.includes(host) || isHere) return url;
  const { protocol, port } = new URL(url);
  return `${protocol}//${formatAddress({ host: name, port: Number(port) })}`;
}
