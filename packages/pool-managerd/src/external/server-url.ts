import { BlockList, isIP } from 'node:net';
import { ApiError } from '@corral/contracts';

/** Loopback and private addresses of both families; what is written as an IPv4 address inside an IPv6 one counts as the IPv4 address. */
const NEAR = new BlockList();
NEAR.addSubnet('127.0.0.0', 8, 'ipv4');
NEAR.addSubnet('10.0.0.0', 8, 'ipv4');
NEAR.addSubnet('172.16.0.0', 12, 'ipv4');
NEAR.addSubnet('192.168.0.0', 16, 'ipv4');
NEAR.addAddress('::1', 'ipv6');
NEAR.addSubnet('fc00::', 7, 'ipv6');

/**
 * The address of a server that may be attached, without a slash at its end. Throws INVALID_PARAMS with what to write instead:
 * prompts travel there unencrypted and a node asks it by itself, so that it must be this machine or a private network, named by a
 * number, which no name service can turn elsewhere. [D-81]
 */
export function serverUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw wrong(`"${text.slice(0, 200)}" is no URL of a server; write http://127.0.0.1:8080`);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') throw wrong('the URL of a server has no credentials, no query and no fragment; write http://127.0.0.1:8080');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const family = isIP(host);
  if (host !== 'localhost' && family === 0) throw wrong(`${host.slice(0, 200)} is a name; write the number of its address, which must be this node's own or a private one`);
  if (family !== 0 && !NEAR.check(host, family === 6 ? 'ipv6' : 'ipv4')) throw wrong(`${host} is neither this node nor a private address; attach servers of your own network alone`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function wrong(message: string): ApiError {
  return new ApiError('INVALID_PARAMS', message, { field: 'url' });
}
