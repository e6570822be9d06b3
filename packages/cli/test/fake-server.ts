import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { encodeFrame, type Frame } from '@corral/contracts';

export type Handler = (req: IncomingMessage, res: ServerResponse, body: string) => void;

export interface Seen {
  readonly call: string;
  readonly authorization: string | undefined;
  readonly body: unknown;
}

export interface FakeServer {
  readonly url: string;
  /** Every call, in order. */
  readonly seen: Seen[];
  close(): Promise<void>;
}

/** Answers calls by `METHOD /path`, with the query where the key has one. Anything else is 404. */
export async function startFakeServer(handlers: Readonly<Record<string, Handler>>): Promise<FakeServer> {
  const seen: Seen[] = [];
  const server = createServer((req, res) => {
    let body = '';
    req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    req.on('end', () => {
      const call = `${req.method} ${req.url}`;
      seen.push({ call, authorization: req.headers.authorization, body: body === '' ? undefined : JSON.parse(body) });
      const handler = handlers[call];
      if (handler === undefined)
        return refuse(404, { code: 'NOT_FOUND', message: `${call} is not there`, retriable: false })(req, res, body);
      handler(req, res, body);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export const json =
  (value: unknown, status = 200): Handler =>
  (_req, res) =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));

export const refuse = (status: number, envelope: object): Handler => json(envelope, status);

/** A whole stream at once. */
export const frames =
  (...list: Frame[]): Handler =>
  (_req, res) =>
    void res.writeHead(200, { 'content-type': 'text/event-stream' }).end(list.map(encodeFrame).join(''));

/** A stream that stays open after these. */
export const openFrames =
  (...list: Frame[]): Handler =>
  (_req, res) =>
    void res.writeHead(200, { 'content-type': 'text/event-stream' }).write(list.map(encodeFrame).join(''));

export const empty: Handler = (_req, res) => void res.writeHead(204).end();
