import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assignment, EventEnvelope, GenerateRequest } from '@corral/contracts';
import { loadConfig, recordingLog, Shutdown, systemClock } from '@corral/service-kit';
import { eventually } from '@corral/test-kit';
import { startOrchestratord } from '../src/compose.js';
import { configSpec, type OrchestratordConfig } from '../src/config.js';
import { SimulatedNode } from './simulated-node.js';

/** What a node does with one task. */
export type Answer = (res: ServerResponse, request: GenerateRequest, node: HttpNode) => void;

export const streamed = (texts: readonly string[]): Answer => (res) => {
  res.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const text of texts) res.write(`data: ${text}\n\n`);
  res.end('data: [DONE]\n\n');
};
export const refusedWith = (status: number, code: string): Answer => (res) => void res.writeHead(status).end(JSON.stringify({ code, message: `${code}; try again`, retriable: true }));
export const cut: Answer = (res) => void res.socket?.destroy();
export const never: Answer = () => undefined;

/** A node in memory behind a real port: what it holds follows assignments, what it does with tasks a test says. */
export class HttpNode {
  readonly requests: GenerateRequest[] = [];
  /** For the next tasks, in order; then `otherwise`. */
  readonly answers: Answer[] = [];
  otherwise: Answer = streamed(['ok']);
  /** Connections are taken, and nothing is answered: as after SIGSTOP. */
  isStopped = false;
  /** Tasks whose request is open: what a node derives its leases from. */
  open = 0;
  readonly #server = createServer((req, res) => void this.#serve(req, res));

  constructor(readonly simulated: SimulatedNode) {}

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  /** As a process that was killed: every connection breaks, the port refuses. */
  async kill(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    if (this.isStopped) return;
    const body = Buffer.concat(chunks).toString();
    this.simulated.step(systemClock.monotonicMs());
    if (req.url === '/v2/node') return void res.setHeader('content-type', 'application/json').end(JSON.stringify(this.simulated.state()));
    if (req.url === '/v2/events') {
      for (const event of [JSON.parse(body)].flat() as EventEnvelope[]) this.simulated.deliver(event.data as Assignment);
      return void res.end('{}');
    }
    const request = JSON.parse(body) as GenerateRequest;
    this.requests.push(request);
    this.open += 1;
    res.once('close', () => (this.open -= 1));
    (this.answers.shift() ?? this.otherwise)(res, request, this);
  }
}

/** The whole control plane on real ports, with nodes that a test holds in its hand. */
export async function aControlPlane(nodes: readonly HttpNode[], over: Partial<OrchestratordConfig> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'corral-faults-'));
  const manifest = join(dir, 'corral.json');
  await writeFile(manifest, JSON.stringify({ version: 1, models: { a: { source: '/models/a.gguf' } } }));
  const { log, lines } = recordingLog();
  const shutdown = new Shutdown(log);
  const base = loadConfig(configSpec, {});
  const config = { ...base, addr: '127.0.0.1:0', state_dir: dir, manifest, pool_managerd_urls: nodes.map(({ url }) => url), shutdown_grace_ms: 200, ...over };
  const { url } = await startOrchestratord({ config, log, clock: systemClock, shutdown });
  await eventually('every node is online', 60_000, async () => {
    const { data } = (await (await fetch(`${url}/v2/pools`)).json()) as { readonly data: readonly unknown[] };
    return data.length === nodes.length;
  });
  const complete = (body: object = {}, signal?: AbortSignal) =>
    fetch(`${url}/v1/completions`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'a', prompt: 'x', ...body }), signal: signal ?? null });
  return {
    url, lines, complete,
    leases: async () => {
      const { data } = (await (await fetch(`${url}/v2/pools`)).json()) as { readonly data: readonly { readonly active_leases: number }[] };
      return data.reduce((sum, { active_leases }) => sum + active_leases, 0);
    },
    metric: async (start: string) => (await (await fetch(`${url}/metrics`)).text()).split('\n').filter((line) => line.startsWith(start)),
    close: async () => {
      await shutdown.run();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export type ControlPlane = Awaited<ReturnType<typeof aControlPlane>>;

export async function aNode(nodeId: string): Promise<HttpNode> {
  const simulated = new SimulatedNode(nodeId, [{ poolId: `${nodeId}-p`, memoryBytes: 1_000 }], { a: 10 });
  simulated.fetchMs = 0;
  simulated.loadMs = 0;
  return await new HttpNode(simulated).listen();
}
