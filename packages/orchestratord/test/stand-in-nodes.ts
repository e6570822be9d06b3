import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createHttpClient, type HttpClient } from '@corral/service-kit';
import type { NodePlace } from '../src/nodes/node-view.js';

type Said = readonly [status: number, body: object];

export interface NodeBehaviour {
  readonly answers?: Said | ((method: string) => Said);
  readonly hangs?: boolean;
  readonly isGone?: boolean;
  readonly online?: boolean;
  readonly models?: NodePlace['models'];
}

export interface StandInNodes {
  places(): readonly NodePlace[];
  clientFor(nodeId: string): HttpClient | undefined;
  refresh(nodeId: string): void;
  /** `n1 GET /v2/gc/plan`, in order; the body behind it where there is one. */
  readonly asked: readonly string[];
  readonly refreshed: readonly string[];
  close(): Promise<void>;
}

/** Nodes that answer every call in one way, or `usual` where theirs says nothing; for faults of several nodes at once. */
export async function standInNodes(behaviours: Readonly<Record<string, NodeBehaviour>>, usual: (method: string) => object): Promise<StandInNodes> {
  const asked: string[] = [];
  const refreshed: string[] = [];
  const closing: (() => unknown)[] = [];
  const clients = new Map<string, HttpClient>();
  for (const [nodeId, { answers, hangs = false, isGone = false }] of Object.entries(behaviours)) {
    const server = createServer((req, res) => {
      const { method = '' } = req;
      let sent = '';
      req.on('data', (part: Buffer) => (sent += part.toString()));
      req.on('end', () => {
        asked.push(`${nodeId} ${method} ${req.url} ${sent}`.trim());
        const [status, body] = (typeof answers === 'function' ? answers(method) : answers) ?? [200, usual(method)];
        if (!hangs) res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      });
    });
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
    if (isGone) await close();
    else closing.push(close);
    const client = createHttpClient({ baseUrl: `http://127.0.0.1:${port}` });
    closing.push(() => client.close());
    clients.set(nodeId, client);
  }
  const places = Object.entries(behaviours).map(([nodeId, { online = true, models = [] }]): NodePlace => ({ nodeId, online, models, assignments: [], bytesPerS: { staged: null, onDisk: null, network: null }, staging: null }) as NodePlace);
  return {
    places: () => places,
    clientFor: (nodeId) => clients.get(nodeId),
    refresh: (nodeId) => void refreshed.push(nodeId),
    asked,
    refreshed,
    close: async () => {
      for (const close of closing.reverse()) await close();
    },
  };
}
