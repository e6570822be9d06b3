import { ApiError, HeartbeatRequest, RegisterRequest, validator } from '@corral/contracts';
import { assertReceived, type HttpEventBus } from '@corral/event-bus';
import { body } from '@corral/service-kit';
import type { Express } from 'express';
import type { CatalogIntentSource } from '../nodes/catalog-intent.js';
import type { NodeRegistry, ReportOutcome } from '../nodes/node-registry.js';

export interface NodeRoutesParts {
  readonly nodes: Pick<NodeRegistry, 'register' | 'heartbeat' | 'deregister' | 'has' | 'nodes'>;
  readonly catalog: CatalogIntentSource;
  /** What arrives from nodes is handed to its subscribers. */
  readonly bus: Pick<HttpEventBus, 'receive'>;
}

const registerRequest = validator(RegisterRequest);
const heartbeatRequest = validator(HeartbeatRequest);

/** A node may send so many events at once. */
const EVENTS_MAX = 1_000;

/** What nodes call, and the list of them. In every profile. [P-12 P-13 P-15 G-19] */
export function nodeRoutes(app: Express, { nodes, catalog, bus }: NodeRoutesParts): void {
  app.get('/v2/nodes', (_req, res) => void res.json({ data: nodes.nodes(), next_cursor: null }));

  app.post('/v2/nodes/register', (req, res) => {
    const request = body(registerRequest, req);
    res.json(answerOf(nodes.register(request), request.node_id));
  });

  app.post('/v2/nodes/:node_id/heartbeat', (req, res) => {
    const { state } = body(heartbeatRequest, req);
    res.json(answerOf(nodes.heartbeat(req.params.node_id, state), req.params.node_id));
  });

  app.get('/v2/nodes/:node_id/catalog', (req, res) => {
    if (!nodes.has(req.params.node_id)) throw unknownNode(req.params.node_id);
    res.json(catalog.forNodes());
  });

  app.post('/v2/nodes/:node_id/events', async (req, res) => {
    const { node_id } = req.params;
    if (!nodes.has(node_id)) throw unknownNode(node_id);
    const events = body(anyList, req);
    if (events.length > EVENTS_MAX) throw new ApiError('INVALID_PARAMS', `the list has ${events.length} events; send at most ${EVENTS_MAX} at once`);
    assertReceived(await bus.receive(events.map((event) => ownOf(node_id, event))));
    res.json({});
  });

  app.delete('/v2/nodes/:node_id', (req, res) => {
    if (!nodes.deregister(req.params.node_id)) throw unknownNode(req.params.node_id);
    res.status(204).end();
  });
}

function answerOf<T>(outcome: ReportOutcome<T>, nodeId: string): T {
  switch (outcome.kind) {
    case 'taken':
      return outcome.answer;
    case 'unknown':
      throw unknownNode(nodeId);
    case 'fenced':
      throw new ApiError('CONFLICT', `another pool-managerd runs as node ${nodeId}; stop this one, or give it another NODE_ID`);
    case 'refused':
      throw new ApiError('INVALID_PARAMS', `${outcome.field} ${outcome.message}`, { field: outcome.field });
  }
}

function unknownNode(nodeId: string): ApiError {
  return new ApiError('NOT_FOUND', `no node ${nodeId.slice(0, 128)} is registered; register it with POST /v2/nodes/register`);
}

/** What each event is, the bus finds out. */
function anyList(input: unknown) {
  return Array.isArray(input) ? ({ ok: true, value: input as unknown[] } as const) : ({ ok: false, problems: [{ field: '', message: 'must be a list of events' }] } as const);
}

/** An event that speaks of another node than its sender becomes one that no consumer takes. */
function ownOf(nodeId: string, event: unknown): unknown {
  const data = typeof event === 'object' && event !== null && 'data' in event ? event.data : undefined;
  const about = typeof data === 'object' && data !== null && 'node_id' in data ? data.node_id : nodeId;
  return about === nodeId ? event : { refused: `an event about node ${String(about)} came from ${nodeId}` };
}
