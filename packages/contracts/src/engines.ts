import { Type, type Static } from '@sinclair/typebox';
import { DeviceKind } from './pools.js';
import { Bytes, Count, Digest, Id, ModelId, Nullable, Strict } from './scalars.js';

export const EngineMode = Type.Union([Type.Literal('package'), Type.Literal('source'), Type.Literal('external')]);
export type EngineMode = Static<typeof EngineMode>;

const Ratio = Type.Number({ exclusiveMinimum: 0 });
const UnixMs = Type.Integer({ description: 'Unix milliseconds.' });

/** What a server that runs by itself serves, and what it can and cannot do. [D-80] */
const ExternalServer = Type.Object({
  model_id: ModelId,
  digest: Digest,
  model_path: Nullable(Type.String({ description: 'The file that the server names.' })),
  pool_id: Id,
  slots: Count,
  context: Type.Integer({ minimum: 1, description: 'Tokens per slot.' }),
  capabilities: Type.Array(Type.String(), { description: 'What its probe saw it do.' }),
  differences: Type.Array(Type.String(), { description: 'What replicas of the built-in engine do and it does not.' }),
});

/** A build of the engine on one node, or a server that it is attached to. [D-11] */
export const EngineBundle = Type.Object({
  engine_id: Id,
  engine: Type.String(),
  version: Type.String(),
  mode: EngineMode,
  build_ref: Nullable(Type.String({ description: 'The sources that it was built from.' })),
  digest: Nullable(Digest),
  build_flags: Type.Array(Type.String()),
  artifacts: Type.Array(Type.Object({ path: Type.String(), size_bytes: Bytes, digest: Digest })),
  size_bytes: Bytes,
  location: Type.String({ description: 'Folder on the node; URL of a server.' }),
  in_place: Type.Boolean({ description: 'Its files are used where they lie and never deleted.' }),
  device_kinds: Type.Array(DeviceKind),
  chosen_for: Type.Array(DeviceKind, { description: 'Kinds of devices whose replicas it runs.' }),
  gain: Nullable(Type.Object({ against: Id, prefill: Ratio, decode: Ratio, threads: Type.Integer({ minimum: 1 }), measured_ms: UnixMs }, { description: 'How a build did beside another bundle in the same run; above 1 it is faster.' })),
  verification: Type.Object({ result: Type.Union([Type.Literal('pass'), Type.Literal('warn'), Type.Literal('fail')]), reason: Type.String() }),
  last_verified_ms: UnixMs,
  state: Type.Union([Type.Literal('Active'), Type.Literal('Retired')]),
  pinned: Type.Boolean(),
  created_ms: UnixMs,
  last_used_ms: Nullable(UnixMs),
  used_by: Type.Array(Type.String(), { description: 'What keeps it from being deleted.' }),
  external: Type.Optional(ExternalServer),
});
export type EngineBundle = Static<typeof EngineBundle>;

export const EngineList = Type.Object({ data: Type.Array(EngineBundle), next_cursor: Nullable(Type.String()) });
export type EngineList = Static<typeof EngineList>;

/** Of every node that answers; `unreachable` names the online ones that do not. */
export const NodeEngineList = Type.Object({
  data: Type.Array(Type.Intersect([Type.Object({ node_id: Id }), EngineBundle])),
  unreachable: Type.Array(Type.Object({ node_id: Id, message: Type.String() })),
  next_cursor: Nullable(Type.String()),
});
export type NodeEngineList = Static<typeof NodeEngineList>;

/** Body of `POST …/engines`. [D-25] */
export const EngineAdd = Strict({
  mode: EngineMode,
  path: Type.Optional(Type.String({ minLength: 1, description: 'Mode package: absolute path on the node of an unpacked prebuilt package or of its tarball.' })),
  engine_id: Type.Optional(Id),
  jobs: Type.Optional(Type.Integer({ minimum: 1, maximum: 256, description: 'Mode source: compilers at once; 1 unless given.' })),
  use: Type.Optional(Type.Boolean({ description: 'Whether replicas are moved to it once its probe has passed; true unless given.' })),
  url: Type.Optional(Type.String({ minLength: 1, maxLength: 2_048, description: 'Mode external: of a running llama-server, as the node reaches it; on the node itself or at a private address.' })),
  model_id: Type.Optional(ModelId),
  digest: Type.Optional(Digest),
  device_kind: Type.Optional(DeviceKind),
});
export type EngineAdd = Static<typeof EngineAdd>;

/** Body of `PATCH …/engines/{engine_id}`. */
export const EnginePatch = Strict({ state: Type.Optional(Type.Union([Type.Literal('Active'), Type.Literal('Retired')])), pinned: Type.Optional(Type.Boolean()) });
export type EnginePatch = Static<typeof EnginePatch>;

/** What became of a bundle that was to be used. */
export const EngineChange = Type.Object({
  node_id: Id,
  engine_id: Id,
  device_kind: DeviceKind,
  previous: Nullable(Id),
  reason: Nullable(Type.String()),
  swapped: Type.Integer({ minimum: 0, description: 'Replicas that run on it.' }),
});
export type EngineChange = Static<typeof EngineChange>;
