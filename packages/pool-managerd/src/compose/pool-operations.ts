import { ApiError } from '@corral/contracts';
import { nearest } from '@corral/service-kit';
import { replicaKey } from '../replicas/replica.js';
import { keyOfAssignment } from '../assignments/holders.js';
import { wantedModelKey } from '../models/present-model.js';
import { modelOfRef } from '../pools/model-of-ref.js';
import type { PoolOperationParts } from '../pools/pool-operation-parts.js';
import type { PurgePorts } from '../pools/purge-pool.js';
import type { PrefixStore } from '../replicas/prefix-store.js';
import { describeUses } from '../models/in-use.js';
import { PoolOperations } from '../pools/pool-operations.js';
import type { Engines } from '../engines/engines.js';
import type { ModelPresence } from '../models/model-presence.js';
import type { NodeView } from '../node/node-view.js';
import type { PoolChanges } from '../pools/pool-changes.js';
import type { PoolTable } from '../pools/pool-table.js';
import type { ReplicaSet } from '../replicas/replica-set.js';
import type { StagingSources } from '../staging/staging-view.js';
import type { Swaps } from '../assignments/swaps.js';
import type { Disposal } from './gc.js';
import type { Ground } from './ground.js';

export interface PoolOperationsGround {
  readonly pools: PoolTable;
  readonly replicas: ReplicaSet;
  readonly changes: PoolChanges;
  readonly swaps: Swaps;
  readonly presence: ModelPresence;
  readonly disposal: Disposal;
  readonly engines: Engines;
  /** `null` where nothing can be staged. */
  readonly staging: StagingSources | null;
  readonly prefixes: PrefixStore | null;
  view(): NodeView;
}

/** What operators may do to the pools. */
export function buildPoolOperations({ config, clock, journal, catalog, metrics, operations }: Ground, core: PoolOperationsGround): PoolOperations {
  const { pools, replicas, changes, swaps, presence, view } = core;
  const sources = () => ({ pools: pools.planned(), presence: (key: string) => presence.get(key) });
  const presenceOf: PoolOperationParts['presenceOf'] = ({ model_id: modelId, sources: from, digest }) => presence.get(wantedModelKey({ modelId, sources: from, digest }));
  return new PoolOperations({
    pools, replicas, changes, clock, operations,
    stopMs: config.replicas.stop_ms,
    drainMs: config.replicas.drain_ms,
    presenceOf,
    keyOf: (model, poolId) => {
      const [pool, present] = [pools.planned().get(poolId), presenceOf(model)?.model];
      return pool === undefined || !present ? null : replicaKey({ poolId, device: pool.device, modelId: model.model_id, digest: present.digest, engineId: pool.engineId ?? null, contextTokens: model.context, slots: model.slots });
    },
    keyOfEntry: (assignment) => keyOfAssignment(assignment, sources()),
    swapFailure: (holder) => swaps.of(holder)?.failure ?? null,
    modelOf: (ref, like) => modelOfRef(ref, like, { entries: () => journal.state.entries.values(), catalog }),
    assignmentsIn: (poolId) => view().assignments().filter(({ assignment }) => assignment.wanted === 'resident' && assignment.target.pool_id === poolId).map(({ status }) => status),
    purge: purgePorts(catalog, core),
    onReloaded: (pool_id, outcome, durationMs) => {
      metrics.inc('pool_reload_total', { pool_id, outcome });
      metrics.observe('pool_reload_duration_ms', { pool_id }, durationMs);
    },
  });
}

function purgePorts(catalog: Ground['catalog'], { disposal, engines, staging, prefixes }: PoolOperationsGround): PurgePorts {
  const inUse = (modelId: string, what: string): ApiError => new ApiError('MODEL_IN_USE', `model ${modelId} is in use (${what}); unload it first, or ask again with force`);
  return {
    obstacleOf: (modelId, force) => {
      const entry = catalog.get(modelId);
      if (entry === null) {
        const near = nearest(modelId, catalog.list().map(({ id }) => id));
        return new ApiError('NOT_FOUND', `model ${modelId.slice(0, 256)} not found on this node; ${near.length > 0 ? `near it: ${near.join(', ')}` : 'GET /v2/catalog/models lists what it has'}`);
      }
      if (force) return null;
      const uses = disposal.usesOf({ modelId, digest: entry.digest });
      return uses.length > 0 ? inUse(modelId, describeUses(uses)) : entry.pinned ? inUse(modelId, 'it is pinned') : null;
    },
    deleteModel: async (modelId, force) => {
      const outcome = force ? await disposal.forceDelete({ modelId, rule: 'Purge' }) : await disposal.deleteModel({ modelId, rule: 'Purge', mayGo: ({ pinned }) => !pinned });
      if (outcome.kind === 'in_use') throw inUse(modelId, describeUses(outcome.uses));
      return outcome.kind === 'deleted' ? outcome.deleted.freedBytes : 0;
    },
    engines: async () => (await engines.list()).filter(({ in_place }) => !in_place).map(({ engine_id }) => engine_id),
    deleteEngine: (id) => engines.remove(id),
    deleteCaches: async () => {
      const idle = staging?.area.list().filter(({ leases }) => leases === 0) ?? [];
      let freed = 0;
      for (const { digest, sizeBytes } of idle) if ((await staging?.area.remove(digest)) === 'removed') freed += sizeBytes;
      const kept = prefixes?.usedBytes ?? 0;
      await prefixes?.yield(kept);
      return freed + kept - (prefixes?.usedBytes ?? 0);
    },
  };
}
