import { ApiError, CacheList, validator, type ModelStaging } from '@corral/contracts';
import { isConnectionError, messageOf, nearest } from '@corral/service-kit';
import type { Express } from 'express';
import type { NodeDirectory } from '../nodes/node-view.js';

export interface StagingRoutesParts {
  readonly nodes: Pick<NodeDirectory, 'places' | 'models' | 'clientFor' | 'refresh'>;
}

type NodeStaging = ModelStaging['nodes'][number];

const cacheList = validator(CacheList);

/** Staging by hand: passed on to every online node that has the file, and asked of them. [C-230] */
export function stagingRoutes(app: Express, { nodes }: StagingRoutesParts): void {
  app.post('/v2/catalog/models/:model_id/stage', async (req, res) => {
    const modelId = req.params.model_id;
    const refusals: unknown[] = [];
    const holders = holdersOf(modelId);
    for (const nodeId of holders) {
      await callNode(nodeId, (client) => client.exchange('POST', '/v2/cache/stage', { model_id: modelId }, { idempotent: true })).catch((error: unknown) => refusals.push(error));
      nodes.refresh(nodeId);
    }
    // Where one node can, the others say why not in their own lines.
    if (refusals.length === holders.length) throw refusals[0];
    res.status(202).json(await stagingOf(modelId));
  });

  app.get('/v2/catalog/models/:model_id/stage', async (req, res) => void res.json(await stagingOf(req.params.model_id)));

  async function stagingOf(modelId: string): Promise<ModelStaging> {
    return { model_id: modelId, nodes: await Promise.all(holdersOf(modelId).map((nodeId) => onNode(nodeId, modelId))) };
  }

  async function onNode(nodeId: string, modelId: string): Promise<NodeStaging> {
    const model = nodes.places().find((place) => place.nodeId === nodeId)?.models.find(({ model_id }) => model_id === modelId);
    const rest = { node_id: nodeId, size_bytes: model?.size_bytes ?? 0 };
    try {
      const checked = cacheList(await callNode(nodeId, (client) => client.json('GET', '/v2/cache')));
      if (!checked.ok) throw new Error(`node ${nodeId} answered what this version cannot read; run the same version on both`);
      const entry = checked.value.data.find(({ digest }) => digest === model?.digest);
      if (entry !== undefined) return { ...rest, state: entry.state, progress: entry.progress, last_error: null };
      const failure = checked.value.failures.find(({ digest }) => digest === model?.digest);
      return { ...rest, state: 'not_staged', progress: null, last_error: failure?.message ?? null };
    } catch (error) {
      return { ...rest, state: 'not_staged', progress: null, last_error: messageOf(error) };
    }
  }

  async function callNode<T>(nodeId: string, call: (client: NonNullable<ReturnType<NodeDirectory['clientFor']>>) => Promise<T>): Promise<T> {
    const client = nodes.clientFor(nodeId);
    if (client === undefined) throw away(nodeId, 'it has left');
    try {
      return await call(client);
    } catch (error) {
      throw isConnectionError(error) ? away(nodeId, error.message) : error;
    }
  }

  /** Online nodes that have the file, ascending. */
  function holdersOf(modelId: string): readonly string[] {
    const holders = nodes.places().filter(({ online, models }) => online && models.some(({ model_id }) => model_id === modelId));
    if (holders.length > 0) return holders.map(({ nodeId }) => nodeId);
    const known = nodes.models().map((model) => model.modelId);
    const away = nodes.models().find((model) => model.modelId === modelId);
    if (away !== undefined) throw new ApiError('NODE_UNAVAILABLE', `${modelId} lies on ${away.nodeIds.join(', ')} alone, which does not report; try again when it does`, { retry_after_ms: 5_000 });
    const near = nearest(modelId, known);
    throw new ApiError('NOT_FOUND', `no node has a file of model ${modelId.slice(0, 256)}; ${near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'the first load fetches it'}`);
  }
}

function away(nodeId: string, reason: string): ApiError {
  return new ApiError('NODE_UNAVAILABLE', `node ${nodeId} cannot be reached (${reason}); try again when it reports`, { retry_after_ms: 5_000 });
}
