import { Type, type Static } from '@sinclair/typebox';
import { ModelSpec } from './assignments.js';
import { Bytes, Count, Digest, Id, ModelId, Ms, Nullable, Strict } from './scalars.js';

export const DeviceKind = Type.Union([Type.Literal('cuda'), Type.Literal('vulkan'), Type.Literal('metal'), Type.Literal('cpu')]);
export type DeviceKind = Static<typeof DeviceKind>;

/** `parked`: the process keeps the model mapped and has dropped its context; it serves nobody, comes back faster than a load, and leaves when its memory is wanted. [C-251] */
export const ReplicaState = Type.Union([Type.Literal('waiting'), Type.Literal('loading'), Type.Literal('resident'), Type.Literal('draining'), Type.Literal('parked'), Type.Literal('failed')]);
export type ReplicaState = Static<typeof ReplicaState>;

/** Whether a model may be started in a pool at all: `open` after too many failures, `half_open` while one trial decides. [C-52] */
const BreakerState = Type.Union([Type.Literal('closed'), Type.Literal('open'), Type.Literal('half_open')]);

/** One engine process in a pool. `waiting`: memory that it needs is still held by a replica that drains. */
export const ReplicaStatus = Type.Object({
  replica_id: Id,
  pid: Nullable(Count),
  engine_id: Type.Optional(Nullable(Id)),
  engine_version: Type.Optional(Nullable(Type.String({ description: 'Of the bundle that its process runs; null while it has none.' }))),
  model_id: ModelId,
  digest: Digest,
  state: ReplicaState,
  context: Type.Integer({ minimum: 1, description: 'Tokens per slot.' }),
  slots_total: Count,
  slots_free: Count,
  memory_bytes: Bytes,
  threads: Nullable(Count),
  load_progress: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
  ready_since_ms: Nullable(Type.Integer({ description: 'Unix milliseconds.' })),
  last_error: Nullable(Type.String()),
  restarts: Type.Optional(Type.Integer({ minimum: 0, description: 'Starts after a failure since it last ran well for long.' })),
  failures: Type.Optional(Type.Integer({ minimum: 0, description: 'Failures in a row.' })),
  breaker: Type.Optional(
    Type.Object({
      state: BreakerState,
      retry_at_ms: Nullable(Type.Integer({ description: 'Unix milliseconds at which it is tried again by itself; null when it waits for nothing.' })),
    }),
  ),
  reason: Type.Optional(Type.String({ description: 'Why it is there, and what made room for it; known to the control plane alone.' })),
  attached: Type.Optional(Type.Boolean({ description: 'It stands before a server that runs by itself: nobody here loads or unloads it.' })),
});
export type ReplicaStatus = Static<typeof ReplicaStatus>;

/** What lies in a pool, or lay there: a model in a shape. */
export const ReplicaModel = Type.Object({ model_id: ModelId, digest: Digest, context: Type.Integer({ minimum: 1 }), slots: Type.Integer({ minimum: 1 }) });
export type ReplicaModel = Static<typeof ReplicaModel>;

/** Something that an operator did to a pool and that no assignment says yet: its node keeps it until the control plane has taken it over. [C-262] */
export const PoolChange = Type.Object({
  operation_id: Id,
  kind: Type.Union([Type.Literal('reload'), Type.Literal('preload')]),
  model: ModelSpec,
  replaces: Nullable(ReplicaModel),
});
export type PoolChange = Static<typeof PoolChange>;

/** One device of one node and the replicas on it. [C-04] */
export const PoolStatus = Type.Object({
  pool_id: Id,
  node_id: Id,
  device: Type.String({ description: '`cuda:0`, `vulkan:0`, `cpu`, or `none` where nothing usable was found.' }),
  device_kind: Nullable(DeviceKind),
  device_name: Nullable(Type.String()),
  engine: Type.String(),
  engine_version: Type.String(),
  live: Type.Boolean(),
  ready: Type.Boolean(),
  takes_work: Type.Optional(Type.Boolean({ description: 'Whether loads and tasks may be sent there: also while nothing but a preload is missing. Unset = as `ready`. [C-268]' })),
  draining: Type.Boolean(),
  last_error: Nullable(Type.String()),
  memory_total_bytes: Bytes,
  memory_used_bytes: Bytes,
  replicas_max: Nullable(Count),
  slots_total: Count,
  slots_free: Count,
  active_leases: Count,
  replicas: Type.Array(ReplicaStatus),
  model_id: Type.Optional(Nullable(ModelId)),
  device_mask: Type.Optional(Type.String({ description: 'What its engine workers see of the devices.' })),
  operation: Type.Optional(Nullable(Type.Object({ kind: Type.String(), operation_id: Id }))),
  changes: Type.Optional(Type.Array(PoolChange)),
  attached: Type.Optional(ReplicaModel),
});
export type PoolStatus = Static<typeof PoolStatus>;

/** Whether a pool may be sent loads and tasks: one that merely misses a preload serves its other models. [C-268] */
export function takesWork({ ready, takes_work: takesIt }: Pick<PoolStatus, 'ready' | 'takes_work'>): boolean {
  return takesIt ?? ready;
}

/** A pool in detail. [B-100] */
export const PoolHealth = Type.Composite([
  Type.Omit(PoolStatus, ['model_id', 'device_mask']),
  Type.Object({
    model_id: Nullable(ModelId),
    device_mask: Type.String(),
    vram_total_bytes: Bytes,
    vram_free_bytes: Bytes,
    metrics: Type.Object({ queue_depth_interactive: Count, queue_depth_batch: Count, active_leases: Count, replicas_resident: Count }),
  }),
]);
export type PoolHealth = Static<typeof PoolHealth>;

export const PoolList = Type.Object({ data: Type.Array(PoolStatus), next_cursor: Type.Null() });

/** Body of `POST /v2/pools/{id}/drain`. `cancel` ends a drain instead, as `DELETE` of the same path does. */
export const DrainRequest = Strict({ deadline_ms: Type.Optional(Ms), cancel: Type.Optional(Type.Boolean()) });
export type DrainRequest = Static<typeof DrainRequest>;

/** Body of `POST /v2/pools/{id}/reload`: the replica, the only one where none is named, is replaced by one of another model. */
export const PoolReloadRequest = Strict({ new_model_ref: ModelId, replica_id: Type.Optional(Id), deadline_ms: Type.Optional(Ms) });
export type PoolReloadRequest = Static<typeof PoolReloadRequest>;

/** The same for a node; `model` says what the control plane means by the name. */
export const NodeReloadRequest = Strict({ ...PoolReloadRequest.properties, model: Type.Optional(ModelSpec) });
export type NodeReloadRequest = Static<typeof NodeReloadRequest>;

/** Body of `POST /v2/pools/{id}/preload`: ends a drain, and loads these models beside what is there. */
export const PoolPreloadRequest = Strict({ models: Type.Optional(Type.Array(ModelId, { maxItems: 64 })) });
export type PoolPreloadRequest = Static<typeof PoolPreloadRequest>;

export const NodePreloadRequest = Strict({ ...PoolPreloadRequest.properties, specs: Type.Optional(Type.Array(ModelSpec, { maxItems: 64, description: 'What the control plane means by the names.' })) });
export type NodePreloadRequest = Static<typeof NodePreloadRequest>;

/** Body of `POST /v2/pools/{id}/purge`. */
export const PoolPurgeRequest = Strict({
  purge_engine: Type.Optional(Type.Boolean({ description: 'Also what its engine workers have left: those that wait, and their records.' })),
  purge_models: Type.Optional(Type.Array(ModelId, { maxItems: 256, description: 'Models whose entry and file go from the node of the pool.' })),
  drain_first: Type.Optional(Type.Boolean({ default: true })),
  delete_cache_dirs: Type.Optional(Type.Boolean({ description: 'Also the staged copies of the models, and what was kept of their prefixes.' })),
  force: Type.Optional(Type.Boolean({ description: 'Also what is in use; else that is refused with 409.' })),
  deadline_ms: Type.Optional(Ms),
});
export type PoolPurgeRequest = Static<typeof PoolPurgeRequest>;
