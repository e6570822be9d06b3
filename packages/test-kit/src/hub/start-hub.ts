import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HubFault } from './hub-fault.js';
import { hubOutcome } from './hub-repository.js';
import type { HubRepository } from './hub-repository.js';
import { sendFile, servedFile, sha256 } from './served-file.js';
import type { ServedFile } from './served-file.js';

/** A request as it came. */
export interface HubRequest {
  /** `store` is where the hub sends its callers for large files: another origin. */
  readonly server: 'hub' | 'store';
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly range: string | null;
  readonly ifRange: string | null;
  readonly authorization: string | null;
}

/** A server of files and repositories on this machine, for tests of what fetches them. */
export interface Hub {
  /** Without a slash at its end. */
  readonly url: string;
  readonly requests: readonly (HubRequest & { readonly status: number })[];
  /** Serves a file under `url/path`, or another in its place. */
  put(path: string, bytes: Buffer, changes?: Partial<ServedFile>): void;
  /** Serves a repository, or another in its place. */
  putRepository(name: string, repository: HubRepository): void;
  /** Asked at each request for the bytes of a file; `null` answers as it should be. */
  misbehave(fault: (request: HubRequest) => HubFault | null): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

/** Starts a hub that behaves until it is told otherwise. */
export async function startHub(): Promise<Hub> {
  const files = new Map<string, ServedFile>();
  const repositories = new Map<string, HubRepository>();
  const large = new Map<string, ServedFile>();
  const requests: (HubRequest & { readonly status: number })[] = [];
  let faultOf: (request: HubRequest) => HubFault | null = () => null;
  const store = createServer((request, response) => answer('store', request, response));
  const hub = createServer((request, response) => answer('hub', request, response));
  const [storeUrl, url] = [await listening(store), await listening(hub)];

  function answer(server: 'hub' | 'store', request: IncomingMessage, response: ServerResponse): void {
    const seen = seenAs(server, request);
    requests.push({ ...seen, status: statusOf(server, request, response, seen) });
  }

  function statusOf(server: 'hub' | 'store', request: IncomingMessage, response: ServerResponse, seen: HubRequest): number {
    const target = new URL(request.url ?? '/', server === 'hub' ? url : storeUrl);
    const path = decodeURIComponent(target.pathname.slice(1));
    const outcome = server === 'hub' ? hubOutcome(repositories, target, request.headers.authorization) : null;
    if (outcome === null) {
      const file = (server === 'hub' ? files : large).get(path);
      if (file !== undefined) return sendFile(request, response, file, faultOf(seen));
      response.writeHead(404).end();
      return 404;
    }
    if ('status' in outcome) {
      response.writeHead(outcome.status, outcome.headers).end(request.method === 'HEAD' ? undefined : outcome.body);
      return outcome.status;
    }
    for (const [name, value] of Object.entries(outcome.headers)) response.setHeader(name, value);
    if (!outcome.isLarge) return sendFile(request, response, servedFile(outcome.bytes, { etag: '"plain"' }), request.method === 'GET' ? faultOf(seen) : null);
    const name = `blobs/${sha256(outcome.bytes)}`;
    if (!large.has(name)) large.set(name, servedFile(outcome.bytes));
    response.writeHead(302, { location: `${storeUrl}/${name}?signature=${requests.length}` }).end();
    return 302;
  }

  return {
    url,
    requests,
    put: (path, bytes, changes) => void files.set(path, servedFile(bytes, changes)),
    putRepository: (name, repository) => void repositories.set(name, repository),
    misbehave(fault) {
      faultOf = fault;
    },
    close: async () => void (await Promise.all([closed(hub), closed(store)])),
  };
}

function seenAs(server: 'hub' | 'store', { method = '', url = '', headers }: IncomingMessage): HubRequest {
  return {
    server,
    method,
    path: url,
    range: headers.range ?? null,
    ifRange: (headers['if-range'] as string | undefined) ?? null,
    authorization: headers.authorization ?? null,
  };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closed(server: Server): Promise<void> {
  const ended = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await ended;
}
