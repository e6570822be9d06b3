import { createHttpClient, type ClientTls, type HttpClient } from '@corral/service-kit';

export interface NodeClientOptions {
  readonly token: string | undefined;
  readonly tls?: ClientTls | undefined;
}

/** One HTTP client per node, kept alive while the node is known under one address. */
export class NodeClients {
  readonly #clients = new Map<string, { readonly address: string; readonly client: HttpClient }>();

  constructor(private readonly options: NodeClientOptions) {}

  /** The node's client; made anew when the node has moved. */
  for(nodeId: string, address: string): HttpClient {
    const known = this.#clients.get(nodeId);
    if (known?.address === address) return known.client;
    this.drop(nodeId);
    const client = this.open(address);
    this.#clients.set(nodeId, { address, client });
    return client;
  }

  /** A client that belongs to its caller. */
  open(address: string): HttpClient {
    return createHttpClient({ baseUrl: address, token: this.options.token, tls: this.options.tls });
  }

  /** Answers that are under way may end: a node that leaves lets them, and cuts them itself where it does not. */
  drop(nodeId: string): void {
    const known = this.#clients.get(nodeId);
    this.#clients.delete(nodeId);
    void known?.client.pool.close();
  }

  async close(): Promise<void> {
    const clients = [...this.#clients.values()];
    this.#clients.clear();
    await Promise.all(clients.map(({ client }) => client.close()));
  }
}
