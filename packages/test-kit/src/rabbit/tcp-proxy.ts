import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A wire between a client and a server that a test can cut. */
export interface TcpProxy {
  readonly port: number;
  /** Ends every connection and every one that is tried, until {@link TcpProxy.restore}. */
  cut(): void;
  /** Lets nothing through in either direction, and tells nobody. */
  stall(): void;
  restore(): void;
  close(): Promise<void>;
}

/** Listens on loopback and passes everything on to `targetPort` there. */
export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let mode: 'open' | 'cut' | 'stalled' = 'open';
  const server = createServer((client) => {
    if (mode === 'cut') return void client.destroy();
    const target = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [[client, target], [target, client]] as const) {
      sockets.add(from);
      from.on('data', (bytes) => void (mode === 'open' && to.write(bytes)));
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => {
      mode = 'cut';
      endAll();
    },
    stall: () => void (mode = 'stalled'),
    restore: () => {
      // Bytes that were swallowed would be missing in the middle of a stream.
      if (mode === 'stalled') endAll();
      mode = 'open';
    },
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      endAll();
      await closed;
    },
  };
}
