import { replicaKey } from '../replicas/replica.js';
import { keyOfAssignment } from '../assignments/holders.js';
import { wantedModelKey } from '../models/present-model.js';
import { modelOfRef } from '../pools/model-of-ref.js';
import type { PoolOperationParts } from '../pools/pool-operation-parts.js';
import { PoolOperations } from '../pools/pool-operations.js';
import type { Core } from './core.js';
import type { Ground } from './ground.js';

/** What operators may do to the pools. */
export function buildPoolOperations({ config, clock, journal, catalog, metrics, operations }: Ground, core: Pick<Core, 'pools' | 'replicas' | 'changes' | 'swaps' | 'presence'> & { readonly view: () => Core['view'] }): PoolOperations {
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
      return pool === undefined || !present ? null : replicaKey({ poolId, device: pool.device, digest: present.digest, engineId: pool.engineId ?? null, contextTokens: model.context, slots: model.slots });
    },
    keyOfEntry: (assignment) => keyOfAssignment(assignment, sources()),
    swapFailure: (holder) => swaps.of(holder)?.failure ?? null,
    modelOf: (ref, like) => modelOfRef(ref, like, { entries: () => journal.state.entries.values(), catalog }),
    assignmentsIn: (poolId) => view().assignments().filter(({ assignment }) => assignment.wanted === 'resident' && assignment.target.pool_id === poolId).map(({ status }) => status),
    onReloaded: (pool_id, outcome, durationMs) => {
      metrics.inc('pool_reload_total', { pool_id, outcome });
      metrics.observe('pool_reload_duration_ms', { pool_id }, durationMs);
    },
  });
}
