import { Type, type Static } from '@sinclair/typebox';
import { DeviceKind } from './pools.js';
import { Bytes, Count, Digest, Id, ModelId, Ms, Nullable, Strict } from './scalars.js';

/** Active models may be loaded; retired ones are kept and refused. There is no third state. [D-09] */
export const ModelState = Type.Union([Type.Literal('Active'), Type.Literal('Retired')]);
export type ModelState = Static<typeof ModelState>;

/** Who brought a model: the manifest, the built-in start, a call, or a node that has its file. */
export const ModelOrigin = Type.Union([Type.Literal('manifest'), Type.Literal('starter'), Type.Literal('api'), Type.Literal('node')]);
export type ModelOrigin = Static<typeof ModelOrigin>;

/** What recomputing the digest of a file said. [D-10] */
export const Verification = Type.Object({
  result: Type.Union([Type.Literal('pass'), Type.Literal('warn'), Type.Literal('fail')]),
  reason: Type.String(),
});
export type Verification = Static<typeof Verification>;

const unixMs = (what: string) => Type.Integer({ minimum: 0, description: `${what}; Unix milliseconds.` });
const Source = Type.String({ minLength: 1, maxLength: 2_048, description: '`hf:org/repo/file.gguf`, `file:/abs/path`, `https://…` or `pypi:name==version/path`; tried in order.' });
const Sources = Type.Array(Source, { minItems: 1, maxItems: 16 });
const DigestText = Type.String({ maxLength: 256, description: '`sha256:` and the 64 hex digits that sha256sum prints.' });
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._:/-]*$' }), { maxItems: 64, uniqueItems: true });
const Context = Type.Integer({ minimum: 256, maximum: 16_777_216, description: 'Tokens per slot.' });
const Slots = Type.Integer({ minimum: 1, maximum: 64, description: 'Concurrent sequences per replica.' });

/** A statement about a file that its publisher signed: a text, or an object whose `signature` is one over the digest. */
const Signature = Type.Union([
  Type.String({ minLength: 1, maxLength: 16_384 }),
  Type.Object({ signature: Type.String({ minLength: 1, maxLength: 16_384, description: 'Base64, over the text of the digest (`sha256:<hex>`).' }), certificate: Type.Optional(Type.String({ maxLength: 65_536, description: 'PEM, of whoever signed.' })) }),
]);
const Reference = Type.String({ minLength: 1, maxLength: 4_096 });

/** What a model has to be, so that it is registered. [B-91 B-94] */
export const TrustPolicy = Strict({
  mode: Type.Optional(Type.Union([Type.Literal('strict'), Type.Literal('permissive')], { description: 'strict refuses what it finds wanting, permissive warns; a policy that requires something is strict unless it says otherwise.' })),
  allowed_registries: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 64, description: 'Sources have to begin with one of these (`hf:org`, `pypi:name`, `https://host/path`, `file:/dir`), or come from a host of that name.' })),
  require_signature: Type.Optional(Type.Boolean()),
  require_sbom: Type.Optional(Type.Boolean()),
  ca_roots: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 65_536 }), { maxItems: 16, description: 'PEM certificates: one signature has to be made by a certificate that one of these issued.' })),
});
export type TrustPolicy = Static<typeof TrustPolicy>;

const attestations = {
  manifests: Type.Optional(Type.Array(Reference, { maxItems: 16 })),
  signatures: Type.Optional(Type.Array(Signature, { maxItems: 16 })),
  sbom: Type.Optional(Nullable(Reference)),
  trust_policy: Type.Optional(Nullable(TrustPolicy)),
};

/** Body of `POST /v2/catalog/models`. Without a source the id is one, or a node has the file already. [B-91] */
export const ModelRegister = Strict({
  id: Type.String({ minLength: 1, description: 'Letters, digits and `. _ : / @ + = -`; without parts named `..`. The same text as `ref`: the canonical form of that.' }),
  source_url: Type.Optional(Source),
  ref: Type.Optional(Source),
  sources: Type.Optional(Sources),
  digest: Type.Optional(Nullable(DigestText)),
  context: Type.Optional(Context),
  slots: Type.Optional(Slots),
  pinned: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Tags),
  ...attestations,
});
export type ModelRegister = Static<typeof ModelRegister>;

/** Body of `PATCH /v2/catalog/models/{model_id}`: what is absent stays. */
export const ModelPatch = Strict({
  sources: Type.Optional(Sources),
  digest: Type.Optional(Nullable(DigestText)),
  context: Type.Optional(Context),
  slots: Type.Optional(Slots),
  tags: Type.Optional(Tags),
  ...attestations,
});
export type ModelPatch = Static<typeof ModelPatch>;

/** Body of `PATCH /v2/catalog/models/{model_id}/state`. [B-93] */
export const ModelStateChange = Strict({
  state: ModelState,
  deadline_ms: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400_000, description: 'After so long, what still runs on a retired model is cut. Without it, it may finish.' })),
});
export type ModelStateChange = Static<typeof ModelStateChange>;

/** Body of `POST /v2/catalog/models/{model_id}/pull`. Without nodes the control plane chooses one. */
export const ModelPull = Strict({ nodes: Type.Optional(Type.Union([Type.Literal('all'), Type.Array(Id, { minItems: 1, maxItems: 1_000, uniqueItems: true })])) });
export type ModelPull = Static<typeof ModelPull>;

/** A model on one node. [G-19 P-41] */
export const ModelOnNode = Type.Object({
  node_id: Id,
  online: Type.Boolean(),
  present: Type.Boolean({ description: 'The node has the file that the entry means.' }),
  digest: Nullable(Digest),
  size_bytes: Nullable(Bytes),
  verification: Nullable(Verification),
  last_verified_ms: Nullable(unixMs('When the node last read the whole file')),
  last_used_ms: Nullable(unixMs('When the node last loaded it, copied it into its staging area or gave it a task; null when it never did')),
  pinned: Nullable(Type.Boolean({ description: 'As the node keeps it; null where it does not say.' })),
  resident: Type.Integer({ minimum: 0, description: 'Replicas in device memory.' }),
  staged: Type.Boolean({ description: 'In the staging area of the node.' }),
  wanted: Type.Integer({ minimum: 0, description: 'Instances that are to be there.' }),
});
export type ModelOnNode = Static<typeof ModelOnNode>;

/** What a model will need of one pool, from the facts of its file, before anybody loads it. */
export const PoolForecast = Type.Object({
  pool_id: Id,
  node_id: Id,
  device_kind: Nullable(DeviceKind),
  fits: Nullable(Type.Boolean({ description: 'With the context and slots of the entry, into the whole memory of the pool; null while that cannot be told.' })),
  weights_bytes: Nullable(Bytes),
  kv_bytes_per_token: Nullable(Type.Number({ minimum: 0, description: 'Device memory per token of context.' })),
  required_bytes: Nullable(Bytes),
  memory_bytes: Bytes,
  largest_context: Nullable(Type.Integer({ minimum: 0, description: 'Tokens per slot, with the slots of the entry; 0 = not even the smallest.' })),
  reason: Type.String(),
});
export type PoolForecast = Static<typeof PoolForecast>;

/** A model of the catalog: what is meant to be served, and where it is. [B-27 D-03] */
export const CatalogModel = Type.Object({
  id: ModelId,
  state: ModelState,
  origin: ModelOrigin,
  sources: Type.Array(Type.String()),
  digest: Nullable(Digest),
  context: Count,
  slots: Count,
  pinned: Type.Boolean(),
  tags: Type.Array(Type.String()),
  trust: Type.Object({
    policy: Nullable(TrustPolicy),
    signatures: Type.Array(Signature),
    sbom: Nullable(Type.String()),
    manifests: Type.Array(Type.String()),
    warnings: Type.Array(Type.String()),
  }),
  /** The worst of what the nodes that have the file found; null while none has it. */
  verification: Nullable(Verification),
  last_verified_ms: Nullable(unixMs('The last verification that was asked for or made by a node')),
  created_ms: unixMs('When it became known'),
  updated_ms: unixMs('Its last change'),
  retired_at_ms: Nullable(unixMs('When it was retired')),
  drain_until_ms: Nullable(unixMs('When what still runs on the retired model is cut')),
  size_bytes: Nullable(Bytes),
  architecture: Nullable(Type.String()),
  quant: Nullable(Type.String()),
  train_context: Nullable(Count),
  availability: Type.Array(ModelOnNode),
  forecast: Type.Array(PoolForecast),
});
export type CatalogModel = Static<typeof CatalogModel>;

/** Answer of `GET /v2/catalog/models`, by id. `catalog_version` grows with every change of intent. [G-19] */
export const CatalogModelList = Type.Object({
  data: Type.Array(CatalogModel),
  next_cursor: Nullable(Type.String()),
  total: Type.Integer({ minimum: 0, description: 'Models that the filters let through.' }),
  catalog_version: Count,
});
export type CatalogModelList = Static<typeof CatalogModelList>;

/** Result of the operation that `POST …/verify` starts: the worst result wins. [B-92] */
export const ModelVerified = Type.Object({
  model_id: ModelId,
  result: Verification.properties.result,
  reason: Type.String(),
  last_verified_ms: Ms,
  nodes: Type.Array(Type.Object({ node_id: Id, result: Verification.properties.result, reason: Type.String(), digest: Nullable(Digest) })),
});
export type ModelVerified = Static<typeof ModelVerified>;

/** Result of the operation that `POST …/pull` starts. */
export const ModelPulled = Type.Object({
  model_id: ModelId,
  nodes: Type.Array(Type.Object({ node_id: Id, digest: Nullable(Digest), size_bytes: Nullable(Bytes), error: Nullable(Type.String()) })),
});
export type ModelPulled = Static<typeof ModelPulled>;

/** Result of the operation that a purge is, also of one that failed. [G-09] */
export const ModelPurged = Type.Object({
  model_id: ModelId,
  nodes: Type.Array(
    Type.Object({
      node_id: Id,
      outcome: Type.Union([Type.Literal('purging'), Type.Literal('purged'), Type.Literal('later'), Type.Literal('kept'), Type.Literal('failed')], { description: '`later`: the node is away and does it when it is back; `kept`: it is used there, or the purge failed elsewhere before the node was back.' }),
      reason: Nullable(Type.String()),
    }),
  ),
});
export type ModelPurged = Static<typeof ModelPurged>;

/** Answer of `GET /v2/catalog/availability`: by node with its pools, and by model. [B-96] */
export const CatalogAvailability = Type.Object({
  nodes: Type.Record(
    Id,
    Type.Object({
      node_id: Id,
      address: Type.String(),
      online: Type.Boolean(),
      models: Type.Array(ModelId, { description: 'Files that the node has.' }),
      pools: Type.Array(Type.Object({ pool_id: Id, ready: Type.Boolean(), models: Type.Array(ModelId, { description: 'Models in its device memory.' }) })),
    }),
  ),
  models: Type.Record(ModelId, Type.Object({ nodes: Type.Array(Id), online_nodes: Type.Array(Id), resident_pools: Type.Array(Id) })),
  total_models: Count,
  replicated_models: Type.Array(ModelId, { description: 'On more than one node.' }),
  single_node_models: Type.Array(ModelId, { description: 'On exactly one.' }),
});
export type CatalogAvailability = Static<typeof CatalogAvailability>;

/** What a node has to know of a model of the catalog; `removed`: purged, so file and entry go there too. [G-19] */
export const CatalogIntent = Type.Object({
  model_id: ModelId,
  digest: Nullable(Digest),
  sources: Type.Array(Type.String()),
  state: Type.Union([ModelState, Type.Literal('Removed')]),
  pinned: Type.Boolean(),
  retired_at_ms: Nullable(unixMs('When it was retired')),
});
export type CatalogIntent = Static<typeof CatalogIntent>;

/** Answer of `GET /v2/nodes/{node_id}/catalog`. */
export const NodeCatalog = Type.Object({ catalog_version: Count, models: Type.Array(CatalogIntent) });
export type NodeCatalog = Static<typeof NodeCatalog>;
