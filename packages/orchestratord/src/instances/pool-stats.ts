import type { ModelSpec, PoolStats, ReplicaStatus } from '@corral/contracts';
import type { InstanceState } from '../assignments/lifecycle.js';
import { modelKeyOf } from '../manifest/model-key.js';
import type { NodePlace, PoolView } from '../nodes/node-view.js';
import type { InstanceRecord } from '../store/instance-rows.js';

/** One moment of everything that the statistics follow from. */
export interface PoolStatsSources {
  readonly instances: readonly InstanceRecord[];
  readonly pools: readonly PoolView[];
  readonly places: readonly NodePlace[];
  stateOf(instance: InstanceRecord): InstanceState;
  specOf(modelId: string): ModelSpec | undefined;
  keyOf(replica: ReplicaStatus): string;
}

/** What one instance takes, each part under a name that those who share it have in common. */
interface Share {
  readonly model: string;
  readonly bundle: string | null;
  readonly memory: readonly [string, number] | null;
}

const MIB = 1_048_576;

/**
 * The numbers of the pool page: each instance counts once, by its tier where that is demand, else by where it is; what
 * several share counts once. Pure, from memory. [B-119 G-42]
 */
export function poolStats(sources: PoolStatsSources): PoolStats {
  const places = sources.instances.map((instance) => ({ instance, state: sources.stateOf(instance) }));
  const resting = places.filter(({ instance }) => instance.tier !== 'demand');
  const shares = places.flatMap(({ instance, state }) => shareOf(instance, state, sources) ?? []);
  const memory = new Map(shares.flatMap((share) => (share.memory === null ? [] : [share.memory])));
  return {
    total_instances: places.length,
    hot_tier_count: resting.filter(({ state }) => state.residency === 'resident').length,
    warm_tier_count: resting.filter(({ state }) => state.residency === 'staged').length,
    cold_tier_count: resting.filter(({ state }) => state.residency !== 'resident' && state.residency !== 'staged').length,
    demand_tier_count: places.length - resting.length,
    shared_model_count: new Set(shares.map(({ model }) => model)).size,
    shared_bundle_count: new Set(shares.flatMap(({ bundle }) => bundle ?? [])).size,
    memory_estimate_mb: Math.round([...memory.values()].reduce((sum, bytes) => sum + bytes, 0) / MIB),
  };
}

function shareOf(instance: InstanceRecord, state: InstanceState, sources: PoolStatsSources): Share | null {
  const spec = sources.specOf(instance.modelRef);
  if (state.residency === 'resident') return residentShare(instance, state, spec, sources);
  if (state.residency !== 'staged') return null;
  const staged = sources.places
    .filter(({ nodeId }) => state.nodeId === null || nodeId === state.nodeId)
    .flatMap(({ nodeId, staging }) => (staging?.entries ?? []).map((entry) => ({ nodeId, ...entry })))
    .find(({ digest, model_id, state: at }) => at === 'staged' && (spec?.digest == null ? model_id === instance.modelRef : digest === spec.digest));
  const model = staged?.digest ?? spec?.digest ?? instance.modelRef;
  return { model, bundle: null, memory: staged === undefined ? null : [`staged ${staged.nodeId} ${staged.digest}`, staged.size_bytes] };
}

function residentShare(instance: InstanceRecord, { poolId }: InstanceState, spec: ModelSpec | undefined, { pools, keyOf }: PoolStatsSources): Share {
  const pool = pools.find((one) => one.poolId === poolId);
  const modelKey = spec === undefined ? null : modelKeyOf(spec);
  const replica = pool?.status.replicas.find((one) => keyOf(one) === modelKey && one.state === 'resident');
  return {
    model: replica?.digest ?? spec?.digest ?? instance.modelRef,
    bundle: pool === undefined ? null : `${pool.status.engine} ${pool.status.engine_version} ${pool.status.device_kind ?? ''}`,
    memory: replica === undefined ? null : [`replica ${poolId ?? ''} ${replica.replica_id}`, replica.memory_bytes],
  };
}
