import { ApiError, DrainRequest, PoolPreloadRequest, PoolPurgeRequest, PoolReloadRequest, validator, type ModelSpec, type Operation } from '@corral/contracts';
import { body, nearest, optionalBody, sendOperation, wantsToWait, type Operations } from '@corral/service-kit';
import type { Express, Request, Response } from 'express';
import { principalOf } from '../access/principal.js';
import type { Audit } from '../audit/audit.js';
import { audited } from '../audit/audited.js';
import type { Resolution } from '../manifest/resolution.js';
import type { NodeDirectory, PoolView } from '../nodes/node-view.js';
import type { PoolCalls } from '../operations/pool-calls.js';

export interface PoolOperationRoutesParts {
  readonly nodes: Pick<NodeDirectory, 'pools' | 'pool' | 'nodes'>;
  readonly calls: PoolCalls;
  readonly operations: Operations;
  readonly audit: Audit;
  resolve(ref: string, orgId: string): Resolution;
}

const drainRequest = validator(DrainRequest);
const reloadRequest = validator(PoolReloadRequest);
const preloadRequest = validator(PoolPreloadRequest);
const purgeRequest = validator(PoolPurgeRequest);

const SOURCE = 'api_admin';

/** What operators do to pools and nodes. For system_admins: the guard before these routes asks. [B-101 B-102 B-103 B-104] */
export function poolOperationRoutes(app: Express, parts: PoolOperationRoutesParts): void {
  drainRoutes(app, parts);
  nodeDrainRoutes(app, parts);
  changeRoutes(app, parts);
}

function drainRoutes(app: Express, parts: PoolOperationRoutesParts): void {
  app.post('/v2/pools/:pool_id/drain', async (req, res) => {
    const pool = knownPool(parts.nodes, req.params.pool_id);
    const { deadline_ms, cancel = false } = optionalBody(drainRequest, req);
    const detail = { pool_id: pool.poolId };
    if (cancel) return undrain(parts, req, res, { pools: [pool], detail });
    await begin(parts, req, res, { action: 'pool.drain', detail, start: () => parts.calls.drain(pool, deadline_ms) });
  });

  app.delete('/v2/pools/:pool_id/drain', async (req, res) => {
    const pool = knownPool(parts.nodes, req.params.pool_id);
    await undrain(parts, req, res, { pools: [pool], detail: { pool_id: pool.poolId } });
  });
}

function nodeDrainRoutes(app: Express, parts: PoolOperationRoutesParts): void {
  app.post('/v2/nodes/:node_id/drain', async (req, res) => {
    const { node_id: nodeId } = req.params;
    const pools = poolsOf(parts, nodeId);
    const { deadline_ms, cancel = false } = optionalBody(drainRequest, req);
    const detail = { node_id: nodeId };
    if (cancel) return undrain(parts, req, res, { pools, detail });
    await begin(parts, req, res, { action: 'node.drain', detail, start: () => parts.calls.drainNode(nodeId, pools, deadline_ms) });
  });

  app.delete('/v2/nodes/:node_id/drain', async (req, res) => {
    const { node_id: nodeId } = req.params;
    await undrain(parts, req, res, { pools: poolsOf(parts, nodeId), detail: { node_id: nodeId } });
  });
}

function changeRoutes(app: Express, parts: PoolOperationRoutesParts): void {
  app.post('/v2/pools/:pool_id/reload', async (req, res) => {
    const pool = knownPool(parts.nodes, req.params.pool_id);
    const request = body(reloadRequest, req);
    const model = specOf(parts, request.new_model_ref, req);
    await begin(parts, req, res, { action: 'pool.reload', detail: { pool_id: pool.poolId, model_id: model.model_id }, start: () => parts.calls.reload(pool, request, model) });
  });

  app.post('/v2/pools/:pool_id/preload', async (req, res) => {
    const pool = knownPool(parts.nodes, req.params.pool_id);
    const request = optionalBody(preloadRequest, req);
    const specs = (request.models ?? []).map((ref) => specOf(parts, ref, req));
    const models = specs.map(({ model_id }) => model_id);
    await begin(parts, req, res, { action: 'pool.preload', detail: { pool_id: pool.poolId, models: models.join(',').slice(0, 512) }, start: () => parts.calls.preload(pool, { models }, specs) });
  });

  app.post('/v2/pools/:pool_id/purge', async (req, res) => {
    const pool = knownPool(parts.nodes, req.params.pool_id);
    const request = optionalBody(purgeRequest, req);
    await begin(parts, req, res, { action: 'pool.purge', detail: { pool_id: pool.poolId, models: (request.purge_models ?? []).join(',').slice(0, 512) }, start: () => parts.calls.purge(pool, request) });
  });
}

interface Begin {
  readonly action: string;
  readonly detail: Readonly<Record<string, string>>;
  start(): Promise<Operation>;
}

async function begin({ audit, operations }: PoolOperationRoutesParts, req: Request, res: Response, { action, detail, start }: Begin): Promise<void> {
  wantsToWait(req);
  const operation = await audited(audit, req, { action, source: SOURCE, detail, made: ({ operation_id }) => ({ operation_id }) }, start);
  await sendOperation(req, res, operations, operation);
}

async function undrain({ audit, calls }: PoolOperationRoutesParts, req: Request, res: Response, { pools, detail }: { readonly pools: readonly PoolView[]; readonly detail: Readonly<Record<string, string>> }): Promise<void> {
  await audited(audit, req, { action: 'pool.undrain', source: SOURCE, detail }, async () => void (await Promise.all(pools.map((pool) => calls.undrain(pool)))));
  res.status(204).end();
}

function poolsOf({ nodes }: PoolOperationRoutesParts, nodeId: string): readonly PoolView[] {
  const pools = nodes.pools().filter((pool) => pool.nodeId === nodeId);
  if (pools.length > 0) return pools;
  const near = nearest(nodeId, nodes.nodes().map(({ node_id }) => node_id));
  throw new ApiError('NOT_FOUND', `no node ${nodeId.slice(0, 128)} has a pool; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /v2/nodes lists them'}`);
}

function specOf({ resolve }: PoolOperationRoutesParts, ref: string, req: Request): ModelSpec {
  const resolved = resolve(ref, principalOf(req).orgId);
  switch (resolved.kind) {
    case 'resolved':
      return resolved.model;
    case 'retired':
      throw new ApiError('MODEL_DEPRECATED', resolved.message);
    case 'not_found':
      throw new ApiError('NOT_FOUND', resolved.message);
  }
}

/** A pool of any node. Throws NOT_FOUND with what is near. */
export function knownPool(nodes: Pick<NodeDirectory, 'pools' | 'pool'>, poolId: string): PoolView {
  const pool = nodes.pool(poolId);
  if (pool !== undefined) return pool;
  const near = nearest(poolId, nodes.pools().map((one) => one.poolId));
  const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /v2/pools lists them';
  throw new ApiError('NOT_FOUND', `no node has a pool ${poolId.slice(0, 128)}; ${hint}`);
}
