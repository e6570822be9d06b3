import type { Assignment, EventEnvelope, NodeCatalog, NodeState, PoolDefinition, RegisterRequest } from '@corral/contracts';
import { ApiError } from '@corral/contracts';
import { createHttpApp, listen, rawBody, silentLog } from '@corral/service-kit';
import type { Listening } from '@corral/service-kit';

/** A control plane that remembers what nodes say and answers what a test wants. */
export class ControlPlaneStub {
  readonly registrations: RegisterRequest[] = [];
  readonly heartbeats: NodeState[] = [];
  readonly events: EventEnvelope[] = [];
  readonly deregistered: string[] = [];
  /** Sent with the next answers, whichever they are; `undefined` = left out. */
  pools: readonly PoolDefinition[] | null | undefined = null;
  assignments: readonly Assignment[] | undefined;
  /** Heartbeats of nodes that did not register since this was emptied are answered 404. */
  readonly known = new Set<string>();
  /** What operators want of models; `undefined` = this control plane knows nothing of that. */
  catalog: NodeCatalog | undefined;
  /** Times that it was asked for. */
  catalogPulls = 0;
  incarnation = 'control-1';
  nextHeartbeatMs = 60_000;
  /** Of the last registration. */
  authorization: string | undefined;
  #server: Listening | undefined;

  static async start(): Promise<ControlPlaneStub> {
    const stub = new ControlPlaneStub();
    await stub.listen(0);
    return stub;
  }

  get url(): string {
    return this.#server?.url ?? '';
  }

  async listen(port: number): Promise<void> {
    const app = createHttpApp({
      log: silentLog,
      routes: (routes) => {
        routes.post('/v2/nodes/register', (req, res) => {
          const request = parsed<RegisterRequest>(rawBody(req));
          this.registrations.push(request);
          this.authorization = req.headers.authorization;
          this.known.add(request.node_id);
          res.json({ success: true, message: 'registered', node_id: request.node_id, ...this.#answer() });
        });
        routes.post('/v2/nodes/:node_id/heartbeat', (req, res) => {
          if (!this.known.has(req.params.node_id)) throw new ApiError('NOT_FOUND', 'no such node');
          this.heartbeats.push(parsed<{ state: NodeState }>(rawBody(req)).state);
          res.json({ success: true, ...this.#answer() });
        });
        routes.post('/v2/nodes/:node_id/events', (req, res) => {
          if (!this.known.has(req.params.node_id)) throw new ApiError('NOT_FOUND', 'no such node');
          this.events.push(...parsed<EventEnvelope[]>(rawBody(req)));
          res.json({});
        });
        routes.get('/v2/nodes/:node_id/catalog', (_req, res) => {
          this.catalogPulls += 1;
          if (this.catalog === undefined) throw new ApiError('NOT_FOUND', 'no catalog');
          res.json(this.catalog);
        });
        routes.delete('/v2/nodes/:node_id', (req, res) => {
          this.deregistered.push(req.params.node_id);
          res.status(204).end();
        });
      },
    });
    this.#server = await listen(app, { host: '127.0.0.1', port }, { log: silentLog });
  }

  async close(): Promise<void> {
    await this.#server?.close(0);
  }

  #answer(): object {
    return {
      orchestrator_incarnation: this.incarnation,
      next_heartbeat_ms: this.nextHeartbeatMs,
      ...(this.catalog === undefined ? {} : { catalog_version: this.catalog.catalog_version }),
      ...(this.pools === undefined ? {} : { pools: this.pools }),
      ...(this.assignments === undefined ? {} : { assignments: this.assignments }),
    };
  }
}

function parsed<T>(body: Buffer): T {
  return JSON.parse(body.toString('utf8')) as T;
}
