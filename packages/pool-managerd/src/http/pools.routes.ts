import { ApiError, DrainRequest, validator } from '@corral/contracts';
import type { PoolStatus } from '@corral/contracts';
import { nearest, optionalBody } from '@corral/service-kit';
import type { Express, RequestHandler } from 'express';

export interface PoolRoutesParts {
  pools(): readonly PoolStatus[];
  pool(poolId: string): PoolStatus | undefined;
  drain(poolId: string, graceMs: number): void;
  endDrain(poolId: string): void;
  /** Forgets what failed in the pool. */
  reset(poolId: string): void;
  readonly drainMs: number;
}

const drainRequest = validator(DrainRequest);

/** Pools of this node: list, status, drain and its end, reset. [C-02 C-04 C-44 C-52] */
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
  app.post('/v2/pools/:pool_id/drain', (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    const { deadline_ms: graceMs = parts.drainMs } = optionalBody(drainRequest, req);
    parts.drain(poolId, graceMs);
    res.status(202).json(known(poolId));
  });
  app.delete('/v2/pools/:pool_id/drain', (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    parts.endDrain(poolId);
    res.json(known(poolId));
  });
  app.post('/v2/pools/:pool_id/reset', (req, res) => {
    const { pool_id: poolId } = known(req.params.pool_id);
    parts.reset(poolId);
    res.status(202).json(known(poolId));
  });
}
