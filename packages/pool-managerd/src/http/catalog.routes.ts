import { ApiError, ModelId, NodePullRequest, validator } from '@corral/contracts';
import type { NodeCatalogEntry } from '@corral/contracts';
import type { CatalogEntry } from '@corral/catalog-core';
import { parseModelId } from '@corral/catalog-core';
import type { CatalogStore } from '@corral/catalog-core/fs';
import { body, nearest, sendOperation, wantsToWait } from '@corral/service-kit';
import type { Operations } from '@corral/service-kit';
import type { Express, Request } from 'express';
import type { CatalogJobs } from '../models/catalog-jobs.js';
import type { DeleteModelOutcome, DeleteModelRequest } from '../models/delete-model.js';
import { describeUses } from '../models/in-use.js';
import type { IntentKeeper } from '../models/intent-keeper.js';
import { nodeModel } from '../node/node-model.js';

export interface CatalogRoutesParts {
  readonly store: Pick<CatalogStore, 'get' | 'list'>;
  readonly jobs: CatalogJobs;
  deleteModel(request: DeleteModelRequest): Promise<DeleteModelOutcome>;
  readonly operations: Operations;
  readonly intent: Pick<IntentKeeper, 'refresh'>;
}

const pullRequest = validator(NodePullRequest);
const modelIdCheck = validator(ModelId);
const PAGE = 1_000;
const PAGE_MAX = 10_000;

/** The node's own catalog: what is here, bring one, read one again, take one away. `model_id` is percent-encoded. [B-92 B-95 G-19] */
export function catalogRoutes(app: Express, { store, jobs, deleteModel, operations, intent }: CatalogRoutesParts): void {
  const known = (req: Request): CatalogEntry => {
    const modelId = modelIdOf(req);
    const entry = store.get(modelId);
    if (entry === null) throw unknown(modelId, store.list().map(({ id }) => id));
    return entry;
  };
  app.get('/v2/catalog/models', (req, res) => {
    const all = store.list();
    const from = startOf(req, all);
    const data = all.slice(from, from + limitOf(req));
    res.json({ data: data.map(wireEntry), next_cursor: from + data.length < all.length ? (data.at(-1)?.id ?? null) : null });
  });
  app.get('/v2/catalog/models/:model_id', (req, res) => {
    res.json(wireEntry(known(req)));
  });
  app.post('/v2/catalog/models/:model_id/pull', async (req, res) => {
    wantsToWait(req);
    const modelId = modelIdOf(req);
    const { spec } = body(pullRequest, req);
    if (spec.model_id !== modelId) throw new ApiError('INVALID_PARAMS', `spec.model_id is ${spec.model_id} and the path names ${modelId}; send both alike`, { field: 'spec.model_id' });
    await sendOperation(req, res, operations, jobs.pull(spec));
  });
  app.post('/v2/catalog/models/:model_id/verify', async (req, res) => {
    wantsToWait(req);
    await sendOperation(req, res, operations, jobs.verify(known(req)));
  });
  app.post('/v2/catalog/sync', async (_req, res) => {
    await intent.refresh();
    res.status(204).end();
  });
  app.delete('/v2/catalog/models/:model_id', async (req, res) => {
    // The pin that keeps it may have been taken away a moment ago.
    if (known(req).pinned) await intent.refresh();
    const entry = known(req);
    if (entry.pinned) throw new ApiError('MODEL_IN_USE', `model ${entry.id} is pinned; unpin it first with "corral models unpin ${entry.id}"`);
    const outcome = await deleteModel({ modelId: entry.id, rule: 'Purge', mayGo: ({ pinned }) => !pinned });
    if (outcome.kind === 'in_use') throw new ApiError('MODEL_IN_USE', `model ${entry.id} is in use on this node (${describeUses(outcome.uses)}); unload it, or wait until that has ended`);
    if (outcome.kind === 'kept') throw new ApiError('CONFLICT', `model ${entry.id} changed while it was to be removed; look at it with GET /v2/catalog/models/${encodeURIComponent(entry.id)}, and try again`);
    if (outcome.deleted.fileError !== null) throw new ApiError('CONFLICT', `model ${entry.id} is no longer in the catalog, and its file stayed: ${outcome.deleted.fileError}; remove ${entry.localPath} by hand`);
    res.status(204).end();
  });
}

/** The id of the path, one that may be a file's name. [D-06] */
function modelIdOf(req: Request): string {
  const modelId = String(req.params['model_id'] ?? '');
  const parsed = parseModelId(modelId);
  if (parsed.kind === 'refused') throw new ApiError('INVALID_PARAMS', parsed.message, { field: 'model_id' });
  if (!modelIdCheck(modelId).ok) throw new ApiError('INVALID_PARAMS', `model id ${JSON.stringify(modelId.slice(0, 300))} is none; use up to 256 letters, digits and any of . _ : / @ + -`, { field: 'model_id' });
  return modelId;
}

function unknown(modelId: string, knownIds: readonly string[]): ApiError {
  const near = nearest(modelId, knownIds);
  return new ApiError('NOT_FOUND', `model ${modelId} not found on this node`, { hint: near.length > 0 ? `near it: ${near.join(', ')}` : 'GET /v2/catalog/models lists what there is' });
}

function startOf(req: Request, all: readonly CatalogEntry[]): number {
  const cursor = req.query['cursor'];
  if (cursor === undefined) return 0;
  const from = all.findIndex(({ id }) => id === cursor) + 1;
  if (from === 0) throw new ApiError('INVALID_PARAMS', 'cursor names no model that is here; begin again without it', { field: 'cursor' });
  return from;
}

function limitOf(req: Request): number {
  const text = req.query['limit'];
  if (text === undefined) return PAGE;
  const limit = typeof text === 'string' && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > PAGE_MAX) throw new ApiError('INVALID_PARAMS', `limit is not a number from 1 to ${PAGE_MAX}`, { field: 'limit' });
  return limit;
}

function wireEntry(entry: CatalogEntry): NodeCatalogEntry {
  const { lifecycle: state, ...model } = nodeModel(entry);
  return { ...model, state, refs: [...entry.refs], path: entry.localPath };
}
