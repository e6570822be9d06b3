import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect } from 'node:tls';
import { ProvisionError } from '../provision-error.js';
import { Interruption } from './interruption.js';

/** A connection to the server of `url` that leads through a proxy, encrypted where the address says so. Rejects when the signal aborts. [D-59] */
export async function openTunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Duplex> {
  const target = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const socket = await askProxy(proxy, target, signal);
  if (url.protocol === 'http:') return socket;
  const secure = connect({ socket, servername: url.hostname.replace(/^\[|\]$/g, ''), ALPNProtocols: ['http/1.1'] });
  try {
    await once(secure, 'secureConnect', { signal });
    return secure;
  } catch (error) {
    secure.destroy();
    throw error;
  }
}

async function askProxy(proxy: URL, target: string, signal: AbortSignal): Promise<Duplex> {
  const login = decodeURIComponent(`${proxy.username}:${proxy.password}`);
  const asking = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
    hostname: proxy.hostname.replace(/^\[|\]$/g, ''),
    port: proxy.port,
    method: 'CONNECT',
    path: target,
    agent: false,
    signal,
    headers: { host: target, ...(login === ':' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` }) },
  });
  asking.end();
  const [answer, socket] = (await once(asking, 'connect', { signal })) as [IncomingMessage, Duplex];
  if (answer.statusCode === 200) return socket;
  socket.destroy();
  const message = `the proxy ${proxy.host} gives no way to ${target} (status ${answer.statusCode})`;
  if (answer.statusCode === 407)
    throw new ProvisionError('ACCESS_DENIED', `${message}; put its user and password into HTTPS_PROXY, as http://user:password@host:port`);
  throw new Interruption(new ProvisionError('UNREACHABLE', `${message}; check HTTPS_PROXY, HTTP_PROXY and NO_PROXY`));
}
