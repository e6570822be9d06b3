import { Type, type Static } from '@sinclair/typebox';
import { ModelSpec } from './assignments.js';
import { ModelState, Verification } from './catalog.js';
import { ModelFacts } from './nodes.js';
import { Bytes, Digest, ModelId, Ms, Nullable, Strict } from './scalars.js';

/** An entry of a node's own catalog. [D-03] */
export const NodeCatalogEntry = Type.Object({
  model_id: ModelId,
  refs: Type.Array(Type.String(), { description: 'References that lead to these bytes; the first is the one they came from.' }),
  digest: Digest,
  path: Type.String(),
  external: Type.Boolean({ description: 'The file lies outside the models directory: it is used in place, and never deleted.' }),
  size_bytes: Bytes,
  state: ModelState,
  pinned: Type.Boolean(),
  verification: Verification,
  last_verified_ms: Ms,
  created_ms: Ms,
  last_used_ms: Nullable(Ms),
  retired_at_ms: Nullable(Ms),
  facts: Nullable(ModelFacts),
});
export type NodeCatalogEntry = Static<typeof NodeCatalogEntry>;

/** Answer of `GET /v2/catalog/models` on a node, in the order of registration. */
export const NodeCatalogList = Type.Object({ data: Type.Array(NodeCatalogEntry), next_cursor: Nullable(Type.String()) });
export type NodeCatalogList = Static<typeof NodeCatalogList>;

/** Body of `POST /v2/catalog/models/{model_id}/pull` on a node. */
export const NodePullRequest = Strict({ spec: ModelSpec });

/** Result of the operation that a pull on a node starts. */
export const NodePulled = Type.Object({
  model_id: ModelId,
  digest: Digest,
  size_bytes: Bytes,
  verification: Verification,
});
export type NodePulled = Static<typeof NodePulled>;

/** Result of the operation that a verification on a node starts. [B-92] */
export const NodeVerified = Type.Object({
  model_id: ModelId,
  result: Verification.properties.result,
  reason: Type.String(),
  digest: Nullable(Digest),
  last_verified_ms: Ms,
});
export type NodeVerified = Static<typeof NodeVerified>;
