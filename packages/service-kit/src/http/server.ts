import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { systemClock, type Clock } from '../clock.js';
import type { Log } from '../log/log.js';
import { formatAddress } from './address.js';
import { listenError, type Place } from './listen-error.js';
import { parserErrorAnswer } from './parser-error.js';
import { prepareSocketPath } from './unix-socket.js';

/** PEM texts. With `ca`, clients must show a certificate that it signed. [P-36] */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string | undefined;
}

export interface ListenOptions {
  readonly log: Log;
  readonly clock?: Clock;
  readonly tls?: ServerTls | undefined;
  /** Variable that sets the address, for the message when it cannot be taken. */
  readonly addressVariable?: string;
}

export interface Listening {
  /** Such as `http://127.0.0.1:8080`; `unix:<path>` on a socket. */
  readonly url: string;
  /** The real port, also when 0 was asked for; 0 on a unix socket. */
  readonly port: number;
  /** Stops accepting, lets requests end for `graceMs`, then cuts what is left. May be called twice. */
  close(graceMs: number): Promise<void>;
}

const MOST_CONNECTIONS = 10_000;

/** Serves on an address or a unix socket. Rejects with a ListenError that names the address and the variable. */
export async function listen(handler: RequestListener, place: Place, options: ListenOptions): Promise<Listening> {
  const server = createServer(handler, options.tls);
  // Longer than clients keep idle connections, so that they close first and never meet a connection that just went.
  server.keepAliveTimeout = 65_000;
  server.headersTimeout = 66_000;
  server.maxConnections = MOST_CONNECTIONS;
  const tracked = trackResponses(server);
  server.on('clientError', (error: Error, socket: Socket) => {
    const answer = tracked.isAnswering(socket) ? undefined : parserErrorAnswer(error, socket);
    options.log.debug('request not understood', { reason: error.message });
    if (answer === undefined) socket.destroy();
    else socket.end(answer, () => socket.destroySoon());
  });

  await open(server, place, options.addressVariable);
  server.on('error', (error) => options.log.error('server failed', { error }));
  const bound = server.address() as AddressInfo | string;
  const url = typeof bound === 'string' ? `unix:${bound}` : `${options.tls === undefined ? 'http' : 'https'}://${urlHost(place, bound)}`;
  options.log.info('listening', { url });
  let closing: Promise<void> | undefined;
  const clock = options.clock ?? systemClock;
  return {
    url,
    port: typeof bound === 'string' ? 0 : bound.port,
    close: (graceMs) => (closing ??= closeServer(server, tracked.whenIdle, graceMs, clock)),
  };
}

function createServer(handler: RequestListener, tls: ServerTls | undefined): Server {
  if (tls === undefined) return createHttpServer(handler);
  const mutual = tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true, rejectUnauthorized: true };
  return createHttpsServer({ cert: tls.cert, key: tls.key, minVersion: 'TLSv1.2', ...mutual }, handler);
}

async function open(server: Server, place: Place, variable: string | undefined): Promise<void> {
  if ('socketPath' in place) await prepareSocketPath(place.socketPath);
  try {
    server.listen('socketPath' in place ? { path: place.socketPath } : { host: place.host, port: place.port });
    await once(server, 'listening');
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, place, variable);
  }
  if ('socketPath' in place) await chmod(place.socketPath, 0o600);
}

/** A wildcard is no address to call; loopback is always one of those it stands for. */
function urlHost(place: Place, { address, port }: AddressInfo): string {
  const asked = 'host' in place ? place.host : address;
  return formatAddress({ host: asked === '0.0.0.0' ? '127.0.0.1' : asked === '::' ? '::1' : asked, port });
}

interface Tracked {
  isAnswering(socket: Socket): boolean;
  /** Called after every answer, so that a closing server can drop connections as they fall idle. */
  whenIdle(listener: () => void): void;
}

function trackResponses(server: Server): Tracked {
  const answering = new Set<Socket>();
  let onIdle: (() => void) | undefined;
  server.prependListener('request', (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req;
    answering.add(socket);
    if (!server.listening) res.setHeader('Connection', 'close');
    res.once('close', () => {
      answering.delete(socket);
      if (onIdle !== undefined) setImmediate(onIdle);
    });
  });
  return { isAnswering: (socket) => answering.has(socket), whenIdle: (listener) => (onIdle = listener) };
}

async function closeServer(server: Server, whenIdle: Tracked['whenIdle'], graceMs: number, clock: Clock): Promise<void> {
  const closed = new AbortController();
  const done = new Promise<void>((resolve) => server.close(() => resolve()));
  whenIdle(() => server.closeIdleConnections());
  server.closeIdleConnections();
  clock.sleep(graceMs, closed.signal).then(
    () => server.closeAllConnections(),
    () => {},
  );
  await done;
  closed.abort();
}
