import { ApiError, describeProblems, EngineAdd, EngineBundle, EngineList, EnginePatch, Operation, validator, type NodeEngineList, type Validator } from '@corral/contracts';
import { body, isConnectionError, messageOf, nearest, sendOperation, wantsToWait, type Clock, type HttpClient, type Operations } from '@corral/service-kit';
import type { Express, Request, Response } from 'express';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import type { NodeDirectory } from '../nodes/node-view.js';
import { followOperation } from '../operations/follow-operation.js';

export interface EngineRoutesParts {
  readonly nodes: Pick<NodeDirectory, 'places' | 'clientFor' | 'refresh'>;
  readonly operations: Operations;
  readonly audit: Audit;
  readonly clock: Clock;
}

interface NodeWork {
  readonly action: string;
  readonly path: string;
  readonly body?: unknown;
  readonly engineId: string;
}

const engineAdd = validator(EngineAdd);
const enginePatch = validator(EnginePatch);
const engineList = validator(EngineList);
const engineBundle = validator(EngineBundle);
const operationOf = validator(Operation);

/** Engine bundles of the nodes: each is a node's own, so every call but the list names the node and is passed on. For system_admins. [D-11 D-25] */
export function engineRoutes(app: Express, { nodes, operations, audit, clock }: EngineRoutesParts): void {
  app.get('/v2/engines', async (_req, res) => {
    const online = nodes.places().filter((place) => place.online);
    res.json(await enginesOf(online.map(({ nodeId }) => nodeId), (nodeId) => ask(nodeId, (client) => client.json('GET', '/v2/engines'), engineList)));
  });

  app.get('/v2/nodes/:node_id/engines/:engine_id', async (req, res) => void res.json(await ask(req.params.node_id, (client) => client.json('GET', pathOf(req.params.engine_id)), engineBundle)));

  app.post('/v2/nodes/:node_id/engines', async (req, res) => {
    const request = body(engineAdd, req);
    await work(req, res, { action: 'engine.add', path: '/v2/engines', body: request, engineId: request.engine_id ?? request.mode });
  });

  app.post('/v2/nodes/:node_id/engines/:engine_id/verify', (req, res) => work(req, res, { action: 'engine.verify', path: `${pathOf(req.params.engine_id)}/verify`, engineId: req.params.engine_id }));
  app.post('/v2/nodes/:node_id/engines/:engine_id/use', (req, res) => work(req, res, { action: 'engine.use', path: `${pathOf(req.params.engine_id)}/use`, engineId: req.params.engine_id }));

  app.patch('/v2/nodes/:node_id/engines/:engine_id', async (req, res) => {
    const { node_id: nodeId, engine_id: engineId } = req.params;
    const change = body(enginePatch, req);
    const detail = { node_id: nodeId, engine_id: engineId, ...(change.state !== undefined && { state: change.state }), ...(change.pinned !== undefined && { pinned: String(change.pinned) }) };
    res.json(await audited(audit, req, { action: 'engine.change', source: 'api_admin', detail }, () => ask(nodeId, (client) => client.json('PATCH', pathOf(engineId), change), engineBundle)));
  });

  app.delete('/v2/nodes/:node_id/engines/:engine_id', async (req, res) => {
    const { node_id: nodeId, engine_id: engineId } = req.params;
    await audited(audit, req, { action: 'engine.remove', source: 'api_admin', detail: { node_id: nodeId, engine_id: engineId } }, () => call(nodeId, (client) => client.exchange('DELETE', pathOf(engineId))));
    res.status(204).end();
  });

  /** Begins something on the node, and an operation here that follows it. */
  async function work(req: Request, res: Response, { action, path, body: sent, engineId }: NodeWork): Promise<void> {
    wantsToWait(req);
    const nodeId = String(req.params['node_id']);
    const detail = { node_id: nodeId, engine_id: engineId };
    const operation = await audited(audit, req, { action, source: 'api_admin', detail, made: ({ operation_id }) => ({ operation_id }) }, async () => {
      const { operation_id: nodesOwn } = await ask(nodeId, (client) => client.json('POST', path, sent), operationOf);
      return operations.start({ kind: action.replace('.', '_'), subject: detail }, async (step, signal) => {
        const result = await followOperation({ client: clientOf(nodeId), clock }, nodesOwn, step, signal);
        nodes.refresh(nodeId);
        return result;
      });
    });
    await sendOperation(req, res, operations, operation);
  }

  async function ask<T>(nodeId: string, asked: (client: HttpClient) => Promise<unknown>, check: Validator<T>): Promise<T> {
    const checked = check(await call(nodeId, asked));
    if (checked.ok) return checked.value;
    throw new ApiError('NODE_UNAVAILABLE', `node ${nodeId} answered what this version cannot read (${describeProblems(checked.problems)}); run the same version on both`);
  }

  async function call<T>(nodeId: string, asked: (client: HttpClient) => Promise<T>): Promise<T> {
    try {
      return await asked(clientOf(nodeId));
    } catch (error) {
      throw isConnectionError(error) ? new ApiError('NODE_UNAVAILABLE', `node ${nodeId} cannot be reached (${error.message}); try again when it reports`, { retry_after_ms: 5_000 }) : error;
    }
  }

  function clientOf(nodeId: string): HttpClient {
    const client = nodes.clientFor(nodeId);
    if (client !== undefined) return client;
    const known = nodes.places().map((place) => place.nodeId);
    if (known.includes(nodeId)) throw new ApiError('NODE_UNAVAILABLE', `node ${nodeId} does not report; look at its log, and ask again when it is back`, { retry_after_ms: 5_000 });
    const near = nearest(nodeId, known);
    throw new ApiError('NOT_FOUND', `node ${nodeId.slice(0, 128)} not found`, { hint: near.length > 0 ? `near it: ${near.join(', ')}` : 'GET /v2/nodes lists what there is' });
  }
}

/** One node that does not answer hides none of the others. */
async function enginesOf(nodeIds: readonly string[], listOf: (nodeId: string) => Promise<EngineList>): Promise<NodeEngineList> {
  const answers = await Promise.allSettled(nodeIds.map(listOf));
  const list: NodeEngineList = { data: [], unreachable: [], next_cursor: null };
  for (const [n, answer] of answers.entries()) {
    const node_id = nodeIds[n] ?? '';
    if (answer.status === 'fulfilled') list.data.push(...answer.value.data.map((one) => ({ node_id, ...one })));
    else list.unreachable.push({ node_id, message: messageOf(answer.reason) });
  }
  return list;
}

function pathOf(engineId: string): string {
  return `/v2/engines/${encodeURIComponent(engineId)}`;
}
