import type { ModelSpec, PoolStatus } from '@corral/contracts';
import { modelKeyOf } from '../manifest/model-key.js';
import { previousReplicaOf } from './assignment-view.js';
import type { WorldLook } from './residency-world.js';

/**
 * The model that answers for an instance until the one of its record is loaded; `null` where that is, or where nothing
 * serves. What has to leave before the new one fits gets no more work, else the new one would wait for ever. Pure. [C-269]
 */
export function servedMeanwhile(key: string, modelRef: string, { world, specOf }: { readonly world: WorldLook; specOf(modelId: string): ModelSpec | undefined }): string | null {
  const view = world.viewOf(key);
  const runs = specOf(modelRef);
  if (view === undefined || runs === undefined || view.assignment.wanted !== 'resident') return null;
  const { pool_id: poolId } = view.assignment.target;
  const runsKey = modelKeyOf(runs);
  const serves = (modelKey: string): boolean => world.residentIn.get(modelKey)?.includes(poolId) === true;
  if (serves(runsKey)) return null;
  const pool = world.pools.find((one) => one.poolId === poolId && one.online)?.status;
  const old = pool?.replicas.find(({ replica_id }) => replica_id === previousReplicaOf(view));
  const [modelId, modelKey] = view.modelKey === runsKey ? [old?.model_id, old === undefined ? null : world.keyOf(old)] : [view.assignment.model.model_id, view.modelKey];
  if (pool === undefined || modelId === undefined || modelKey === null || !serves(modelKey) || isCrowded(pool, (replica) => world.keyOf(replica) === runsKey)) return null;
  const spec = specOf(modelId);
  return spec !== undefined && modelKeyOf(spec) === modelKey ? modelId : null;
}

/** Whether the new replica waits for room that is not there. */
function isCrowded({ replicas, replicas_max: max, memory_total_bytes: totalBytes, memory_used_bytes: usedBytes }: PoolStatus, isNew: (replica: PoolStatus['replicas'][number]) => boolean): boolean {
  const waiting = replicas.find((replica) => replica.state === 'waiting' && isNew(replica));
  return waiting !== undefined && (usedBytes + waiting.memory_bytes > totalBytes || (max !== null && replicas.filter(({ state }) => state !== 'waiting' && state !== 'failed').length >= max));
}
