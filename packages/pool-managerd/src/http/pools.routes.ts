import { ApiError, DrainRequest, NodePreloadRequest, NodeReloadRequest, PoolPurgeRequest, validator } from '@corral/contracts';
import type { Operation, PoolStatus } from '@corral/contracts';
import { body, nearest, optionalBody, sendOperation, wantsToWait } from '@corral/service-kit';
import type { Operations } from '@corral/service-kit';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { PoolOperations } from '../pools/pool-operations.js';

export interface PoolRoutesParts {
  pools(): readonly PoolStatus[];
  pool(poolId: string): PoolStatus | undefined;
  readonly operations: Operations;
  readonly poolOperations: PoolOperations;
  /** Forgets what failed in the pool. */
  reset(poolId: string): void;
}

const drainRequest = validator(DrainRequest);
const reloadRequest = validator(NodeReloadRequest);
const purgeRequest = validator(PoolPurgeRequest);
const preloadRequest = validator(NodePreloadRequest);

/** Pools of this node: list, status, and what operators do to them. [C-02 C-04 C-40 C-44 C-52] */
export function poolRoutes(app: Express, parts: PoolRoutesParts): void {
  const known = (poolId: string): PoolStatus => {
    const pool = parts.pool(poolId);
    if (pool !== undefined) return pool;
    const near = nearest(poolId, parts.pools().map((other) => other.pool_id));
    throw new ApiError('NOT_FOUND', `pool ${poolId} not found`, { hint: near.length > 0 ? `near it: ${near.join(', ')}` : 'GET /v2/pools lists what there is' });
  };
  const status: RequestHandler<{ pool_id: string }> = (req, res) => {
    res.json(known(req.params.pool_id));
  };
  app.get('/v2/pools', (_req, res) => {
    res.json({ data: parts.pools(), next_cursor: null });
  });
  app.get('/v2/pools/:pool_id/status', status);
  app.get('/pools/:pool_id/status', status);
  /** Whether to wait is asked before anything is begun. */
  const begin = async (req: Pick<Request, 'query'>, res: Response, start: () => Operation): Promise<void> => {
    wantsToWait(req);
    await sendOperation(req, res, parts.operations, start());
  };
  app.post('/v2/pools/:pool_id/drain', async (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    const { deadline_ms: graceMs, cancel = false } = optionalBody(drainRequest, req);
    if (!cancel) return begin(req, res, () => parts.poolOperations.drain(poolId, graceMs));
    parts.poolOperations.undrain(poolId);
    res.json(known(poolId));
  });
  app.delete('/v2/pools/:pool_id/drain', (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    parts.poolOperations.undrain(poolId);
    res.json(known(poolId));
  });
  app.post('/v2/pools/:pool_id/reload', async (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    const request = body(reloadRequest, req);
    await begin(req, res, () => parts.poolOperations.reload(poolId, request));
  });
  app.post('/v2/pools/:pool_id/purge', async (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    const request = optionalBody(purgeRequest, req);
    await begin(req, res, () => parts.poolOperations.purge(poolId, request));
  });
  const preload: RequestHandler<{ pool_id: string }> = async (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    const request = optionalBody(preloadRequest, req);
    await begin(req, res, () => parts.poolOperations.preload(poolId, request));
  };
  app.post('/v2/pools/:pool_id/preload', preload);
  app.post('/pools/:pool_id/preload', preload);
  app.post('/v2/pools/:pool_id/reset', (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    parts.reset(poolId);
    res.status(202).json(known(poolId));
  });
}
