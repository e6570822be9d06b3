import { ApiError, isApiError } from '@corral/contracts';
import type { PoolPurgeRequest } from '@corral/contracts';
import { drainPool } from './drain-pool.js';
import type { PoolJob, PoolOperationParts } from './pool-operation-parts.js';

/** What a purge deletes, and what it asks before. */
export interface PurgePorts {
  /** Why a model may not go: NOT_FOUND, or MODEL_IN_USE with who uses it; `null` where it may. With `force` an assignment or a pin is no reason. */
  obstacleOf(modelId: string, force: boolean): ApiError | null;
  /** Its entry, its file, its staged copy. Returns the bytes that it freed. Rejects with MODEL_IN_USE. */
  deleteModel(modelId: string, force: boolean): Promise<number>;
  /** Engine bundles by id. */
  engines(): Promise<readonly string[]>;
  /** Rejects with a refusal where something uses it. */
  deleteEngine(id: string): Promise<void>;
  /** Copies of weights that nobody reads, and what was kept of prefixes. Returns the bytes that it freed. */
  deleteCaches(): Promise<number>;
}

export interface PurgeResult {
  readonly pool_id: string;
  readonly models: readonly { readonly model_id: string; readonly freed_bytes: number }[];
  readonly engines: readonly { readonly engine_id: string; readonly outcome: 'deleted' | 'kept'; readonly reason: string | null }[];
  readonly cache_freed_bytes: number;
}

/** Refuses what cannot go before anything is touched. */
export function checkPurge({ purge_models: models = [], force = false }: PoolPurgeRequest, ports: Pick<PurgePorts, 'obstacleOf'>): void {
  for (const modelId of models) {
    const obstacle = ports.obstacleOf(modelId, force);
    if (obstacle !== null) throw obstacle;
  }
}

/**
 * Drains the pool, unless told not to, then deletes what was named. What still is in use ends it with MODEL_IN_USE, and what
 * went before is gone; the pool stays drained. [B-103]
 */
export async function purgePool(parts: PoolOperationParts, job: PoolJob, { request, graceMs, ports }: { readonly request: PoolPurgeRequest; readonly graceMs: number; readonly ports: PurgePorts }): Promise<PurgeResult> {
  const { purge_models: models = [], purge_engine: isEngine = false, drain_first: isDrainedFirst = true, delete_cache_dirs: isCache = false, force = false } = request;
  const { step, signal, poolId } = job;
  if (isDrainedFirst) await drainPool(parts, job, graceMs);
  const deleted: PurgeResult['models'][number][] = [];
  for (const [n, modelId] of models.entries()) {
    signal.throwIfAborted();
    step({ phase: 'deleting_models', fraction: n / models.length, detail: modelId });
    deleted.push({ model_id: modelId, freed_bytes: await ports.deleteModel(modelId, force) });
  }
  if (isEngine) step({ phase: 'deleting_engines', fraction: null });
  const engines = isEngine ? await deleteEngines(ports) : [];
  if (isCache) step({ phase: 'deleting_caches', fraction: null });
  return { pool_id: poolId, models: deleted, engines, cache_freed_bytes: isCache ? await ports.deleteCaches() : 0 };
}

/** Whatever nothing uses; what serves another pool stays and says so. */
async function deleteEngines(ports: PurgePorts): Promise<PurgeResult['engines']> {
  const outcomes: PurgeResult['engines'][number][] = [];
  for (const id of await ports.engines()) {
    try {
      await ports.deleteEngine(id);
      outcomes.push({ engine_id: id, outcome: 'deleted', reason: null });
    } catch (error) {
      if (!isApiError(error)) throw error;
      outcomes.push({ engine_id: id, outcome: 'kept', reason: error.message });
    }
  }
  return outcomes;
}
