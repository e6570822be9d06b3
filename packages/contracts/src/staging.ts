import { Type, type Static } from '@sinclair/typebox';
import { Bytes, Digest, Id, ModelId, Nullable, Strict } from './scalars.js';

const entryFields = {
  model_id: ModelId,
  digest: Digest,
  size_bytes: Bytes,
  state: Type.Union([Type.Literal('staging'), Type.Literal('staged')]),
  progress: Nullable(Type.Number({ minimum: 0, maximum: 1, description: 'Of a copy that is under way; null once it is staged.' })),
  pinned: Type.Boolean(),
  leases: Type.Integer({ minimum: 0, description: 'Loads and replicas that use it; it stays while there are any.' }),
};

/** A model in the staging area of a node, or on its way there; one file per digest. */
export const StagedEntry = Type.Object(entryFields);
export type StagedEntry = Static<typeof StagedEntry>;

/** Why a model was not staged when that was last tried. */
const StagingFailure = Type.Object({ model_id: ModelId, digest: Digest, message: Type.String() });

/** The staging area of a node. [C-70] */
export const StagingStatus = Type.Object({
  used_bytes: Type.Integer({ minimum: 0, description: 'What lies in the area and what is being copied into it.' }),
  max_bytes: Bytes,
  best_effort: Type.Boolean({ description: 'The directory is not in RAM: a staged file may have to be read from a disk after all.' }),
  entries: Type.Array(StagedEntry),
  failures: Type.Array(StagingFailure),
});
export type StagingStatus = Static<typeof StagingStatus>;

/** How fast weights come into use from where they are, as measured; null where it never was. */
export const TierBandwidth = Type.Object({
  staged: Nullable(Type.Number({ minimum: 0, description: 'Loads of staged models.' })),
  on_disk: Nullable(Type.Number({ minimum: 0, description: 'Loads from a disk.' })),
  network: Nullable(Type.Number({ minimum: 0, description: 'Downloads.' })),
});
export type TierBandwidth = Static<typeof TierBandwidth>;

/** Answer of `GET /v2/cache` on a node. [C-03] */
export const CacheList = Type.Object({
  data: Type.Array(Type.Object({ ...entryFields, path: Type.String() })),
  used_bytes: Bytes,
  max_bytes: Bytes,
  best_effort: Type.Boolean(),
  failures: Type.Array(StagingFailure),
  next_cursor: Type.Null(),
});
export type CacheList = Static<typeof CacheList>;

/** Body of `POST /v2/cache/stage` on a node. [C-03] */
export const StageRequest = Strict({ model_id: ModelId });

/** Where a model is in the staging areas of the nodes that have it. */
export const ModelStaging = Type.Object({
  model_id: ModelId,
  nodes: Type.Array(
    Type.Object({
      node_id: Id,
      state: Type.Union([Type.Literal('staging'), Type.Literal('staged'), Type.Literal('not_staged')]),
      size_bytes: Bytes,
      progress: Nullable(Type.Number({ minimum: 0, maximum: 1 })),
      last_error: Nullable(Type.String()),
    }),
  ),
});
export type ModelStaging = Static<typeof ModelStaging>;
