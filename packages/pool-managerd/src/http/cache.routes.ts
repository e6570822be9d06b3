import { ApiError, StageRequest, validator } from '@corral/contracts';
import type { CacheList } from '@corral/contracts';
import { body, nearest } from '@corral/service-kit';
import type { Express } from 'express';
import type { StagingArea } from '../staging/staging-area.js';
import type { StageableModel } from '../staging/staging-wish.js';

export interface CacheRoutesParts {
  /** `null` where nothing can be staged. */
  readonly area: StagingArea | null;
  list(): CacheList;
  /** A model whose file the node has, verified; `null` for any other. */
  model(modelId: string): StageableModel | null;
  /** Ids of the models that it has. */
  modelIds(): readonly string[];
}

const stageRequest = validator(StageRequest);

/** The staging area: what is in it, stage one more, drop one. [C-03] */
export function cacheRoutes(app: Express, parts: CacheRoutesParts): void {
  const { area } = parts;
  app.get('/v2/cache', (_req, res) => {
    res.json(parts.list());
  });
  app.post('/v2/cache/stage', async (req, res) => {
    const { model_id: modelId } = body(stageRequest, req);
    const model = parts.model(modelId);
    if (model === null) throw unknown(modelId, parts.modelIds(), 'POST /v2/events with an assignment brings a model to this node');
    const outcome = area === null ? ({ kind: 'too_large', message: `this node stages nothing, so ${modelId} is loaded from disk; its log says why, and POOL_MANAGERD_STAGE_MAX_BYTES may be 0` } as const) : await area.request(model);
    if (outcome === 'too_many') throw new ApiError('CONFLICT', 'too many models wait to be staged already; try again when some are done');
    if (typeof outcome === 'object') throw new ApiError(outcome.kind === 'too_large' ? 'STAGE_TOO_LARGE' : 'MODEL_IN_USE', outcome.message);
    const entry = parts.list().data.find(({ digest }) => digest === model.digest);
    res.status(202).json({ model_id: modelId, digest: model.digest, size_bytes: model.sizeBytes, state: outcome, progress: entry?.progress ?? null });
  });
  // Ids of models may hold slashes, escaped or not.
  app.delete('/v2/cache/*model_id', async (req, res) => {
    const modelId = [req.params['model_id'] ?? ''].flat().join('/');
    const digest = parts.list().data.find((entry) => entry.model_id === modelId)?.digest ?? parts.model(modelId)?.digest;
    const outcome = digest === undefined || area === null ? 'unknown' : await area.remove(digest as StageableModel['digest']);
    if (outcome === 'leased') throw new ApiError('MODEL_IN_USE', `${modelId} is loaded from the staging area at this moment; unload it first`);
    if (outcome === 'unknown') throw unknown(modelId, parts.list().data.map((entry) => entry.model_id), 'GET /v2/cache lists what is staged', 'staged ');
    res.status(204).end();
  });
}

function unknown(modelId: string, known: readonly string[], otherwise: string, kind = ''): ApiError {
  const near = nearest(modelId, known);
  return new ApiError('NOT_FOUND', `${kind}model ${modelId} not found on this node`, { hint: near.length > 0 ? `near it: ${near.join(', ')}` : otherwise });
}
