import { Type, type Static } from '@sinclair/typebox';
import { Assignment, AssignmentStatus } from './assignments.js';
import { ModelState, Verification } from './catalog.js';
import { PoolStatus } from './pools.js';
import { Bytes, Count, Digest, Id, ModelId, Ms, Nullable, Strict, Timestamp } from './scalars.js';
import { StagingStatus, TierBandwidth } from './staging.js';

/** What one shape of replica took of a device when it was last loaded: counts before every estimate. */
const MeasuredMemory = Type.Object({
  context: Count,
  slots: Count,
  weights_bytes: Bytes,
  context_bytes: Bytes,
});

/** Linear model of device memory: bytes = weights_device + context_base + context_per_cell × ceil256(context) × slots. */
export const MemoryModel = Type.Object({
  weights_device_bytes: Bytes,
  weights_host_bytes: Bytes,
  context_base_bytes: Bytes,
  context_per_cell_bytes: Type.Number({ minimum: 0 }),
  measured: Type.Optional(Type.Array(MeasuredMemory, { maxItems: 16 })),
});
export type MemoryModel = Static<typeof MemoryModel>;

/** Facts of a GGUF file, read once in a disposable process. */
export const ModelFacts = Type.Object({
  architecture: Type.String(),
  name: Nullable(Type.String()),
  quant: Nullable(Type.String()),
  layers: Count,
  embedding_length: Count,
  vocab_size: Count,
  train_context: Count,
  has_chat_template: Type.Boolean(),
  memory: Type.Partial(Type.Object({ cpu: MemoryModel, vulkan: MemoryModel, cuda: MemoryModel, metal: MemoryModel })),
});
export type ModelFacts = Static<typeof ModelFacts>;

/** An artifact that a node has. */
export const NodeModel = Type.Object({
  model_id: ModelId,
  digest: Digest,
  size_bytes: Bytes,
  lifecycle: ModelState,
  pinned: Type.Boolean(),
  verification: Verification,
  last_verified_ms: Ms,
  created_ms: Ms,
  last_used_ms: Nullable(Type.Integer({ description: 'Last load, copy into the staging area or task, Unix milliseconds; null when it was never used.' })),
  retired_at_ms: Nullable(Ms),
  external: Type.Boolean({ description: 'The file lies outside the models directory: it is used in place, and never deleted.' }),
  facts: Nullable(ModelFacts),
});
export type NodeModel = Static<typeof NodeModel>;

/** The intent that a node has applied to its files, and what of it could not be. [D-61] */
export const AppliedCatalog = Type.Object({
  orchestrator_incarnation: Type.String({ description: 'Of the daemon that gave the version: after a restore of its store an older version is the newer one.' }),
  catalog_version: Count,
  not_applied: Type.Array(Type.Object({ model_id: ModelId, reason: Type.String() }), { description: 'Removed models whose file is still in use.' }),
});
export type AppliedCatalog = Static<typeof AppliedCatalog>;

/** Everything a node is and holds: registration, every heartbeat and the poll of static nodes carry it. */
export const NodeState = Type.Object({
  node_id: Id,
  incarnation: Type.String({ description: 'Changes with every start of the daemon.' }),
  version: Type.String(),
  sent_at: Timestamp,
  seq: Type.Integer({ minimum: 0, description: 'Grows with every state that this incarnation sends.' }),
  pools: Type.Array(PoolStatus),
  models: Type.Array(NodeModel),
  assignments: Type.Array(AssignmentStatus),
  assignments_hash: Type.String({ description: 'Of the journal: see `assignmentsHash`.' }),
  event_bus: Type.Optional(
    Type.Object({
      mode: Type.Union([Type.Literal('rabbitmq'), Type.Literal('http')]),
      consumer_connected: Type.Boolean({ description: 'Whether commands reach the node.' }),
      last_event_at: Nullable(Timestamp),
    }),
  ),
  staging: Nullable(StagingStatus),
  bytes_per_s: TierBandwidth,
  catalog: Type.Optional(AppliedCatalog),
});
export type NodeState = Static<typeof NodeState>;

const GpuInfo = Type.Object({ device_id: Type.String(), name: Type.String(), vram_total_bytes: Bytes, compute_capability: Type.Optional(Type.String()) });

/** Body of `POST /v2/nodes/register`. [P-12] */
export const RegisterRequest = Strict({
  node_id: Id,
  machine_id: Type.String({ minLength: 1 }),
  address: Type.String({ description: 'URL under which orchestratord reaches the node.' }),
  state: NodeState,
  capabilities: Type.Object({ gpus: Type.Array(GpuInfo), cpu_cores: Type.Optional(Count), ram_total_bytes: Type.Optional(Bytes) }),
  version: Type.String(),
});
export type RegisterRequest = Static<typeof RegisterRequest>;

/** A pool that the manifest defines for a node; without any, the node makes one per device. */
export const PoolDefinition = Type.Object({ pool_id: Id, device: Type.String(), memory_bytes: Nullable(Bytes) });
export type PoolDefinition = Static<typeof PoolDefinition>;

/** A model that the manifest, or a load, asks to be resident from the start. `waits`: there is no room for it. [C-10] */
export const Preload = Type.Object({
  org_id: Id,
  instance_id: Id,
  pool_id: Nullable(Type.String({ description: 'Where it is to be; null while no place is decided.' })),
  state: Type.Union([Type.Literal('coming'), Type.Literal('waits'), Type.Literal('failed')]),
  reason: Nullable(Type.String({ description: 'Why it failed the last time, or what it waits for.' })),
});
export type Preload = Static<typeof Preload>;

/** What the control plane wants of a node; sent when the node's hashes differ, else left out. */
export const WantedState = Type.Object({
  orchestrator_incarnation: Type.String(),
  catalog_version: Type.Optional(Type.Integer({ minimum: 0, description: 'Of the intent; a node that has applied another one asks for it. [G-19]' })),
  /** null = one pool per device found. */
  pools: Type.Optional(Nullable(Type.Array(PoolDefinition))),
  assignments: Type.Optional(Type.Array(Assignment)),
  preloads: Type.Optional(Type.Array(Preload, { description: 'Those that are to be on this node, or have no place yet; in every answer.' })),
});
export type WantedState = Static<typeof WantedState>;

export const RegisterResponse = Type.Intersect([WantedState, Type.Object({ success: Type.Literal(true), message: Type.String(), node_id: Id, next_heartbeat_ms: Ms })]);
export type RegisterResponse = Static<typeof RegisterResponse>;

/** Body of `POST /v2/nodes/{id}/heartbeat`. [P-13] */
export const HeartbeatRequest = Strict({ state: NodeState });
export type HeartbeatRequest = Static<typeof HeartbeatRequest>;

export const HeartbeatResponse = Type.Intersect([WantedState, Type.Object({ success: Type.Literal(true), next_heartbeat_ms: Ms })]);
export type HeartbeatResponse = Static<typeof HeartbeatResponse>;

export const NodeSummary = Type.Object({
  node_id: Id,
  address: Type.String(),
  online: Type.Boolean(),
  state: Type.Union([Type.Literal('registering'), Type.Literal('online'), Type.Literal('offline')]),
  origin: Type.Union([Type.Literal('registered'), Type.Literal('static')]),
  version: Nullable(Type.String()),
  last_heartbeat_ms: Nullable(Type.Integer({ description: 'Milliseconds since the last report.' })),
  consumer_connected: Nullable(Type.Boolean({ description: 'Whether commands reach the node, as it last said.' })),
  last_event_ms: Nullable(Type.Integer({ description: 'Milliseconds since the last command that the node received, as it last said.' })),
  pools: Type.Array(Id),
  models: Type.Array(ModelId),
  staging: Nullable(StagingStatus),
  last_error: Nullable(Type.String()),
});
export type NodeSummary = Static<typeof NodeSummary>;

export const NodeList = Type.Object({ data: Type.Array(NodeSummary), next_cursor: Type.Null() });

/** One text that is equal on both sides exactly when both hold the same assignments in the same generations. */
export function assignmentsHash(assignments: readonly { readonly org_id: string; readonly instance_id: string; readonly generation: number }[]): string {
  const lines = assignments.map((a) => `${a.org_id}/${a.instance_id}@${a.generation}`).sort();
  let hash = 0xcbf29ce484222325n;
  for (const char of lines.join('\n')) hash = BigInt.asUintN(64, (hash ^ BigInt(char.codePointAt(0) ?? 0)) * 0x100000001b3n);
  return `${lines.length}:${hash.toString(16)}`;
}

