import { Type, type Static } from '@sinclair/typebox';
import { InstanceConfig } from './instances.js';
import { Digest, Id, ModelId, Priority, Strict, Tier } from './scalars.js';
import { PlacementOverrides } from './tasks.js';

const Size = Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^\\d+(\\.\\d+)?\\s*([KMGT]i?B|B)?$' })], { description: 'Bytes, or a size such as `20GiB`.' });

const ManifestModel = Strict({
  source: Type.Union([Type.String({ minLength: 1 }), Type.Array(Type.String({ minLength: 1 }), { minItems: 1 })], { description: 'Where to fetch it, tried in order.' }),
  digest: Type.Optional(Digest),
  context: Type.Optional(Type.Integer({ minimum: 256, description: 'Tokens per slot; default 2048.' })),
  slots: Type.Optional(Type.Integer({ minimum: 1, maximum: 64, description: 'Concurrent sequences per replica; default 4.' })),
  pinned: Type.Optional(Type.Boolean()),
});

const ManifestRoute = Strict({
  model: ModelId,
  tier: Type.Optional(Tier),
  ttl_s: Type.Optional(Type.Integer({ minimum: 1 })),
  priority: Type.Optional(Priority),
  placement: Type.Optional(PlacementOverrides),
});

const ManifestInstance = Strict({
  org: Type.Optional(Id),
  id: Id,
  model: ModelId,
  name: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })),
  tier: Type.Optional(Tier),
  ttl_s: Type.Optional(Type.Integer({ minimum: 1 })),
  config: Type.Optional(InstanceConfig),
});

const ManifestPool = Strict({
  id: Id,
  node: Id,
  device: Type.String({ pattern: '^(cpu|(cuda|vulkan|metal):\\d+)$' }),
  memory: Type.Optional(Size),
  required: Type.Optional(Type.Boolean({ description: 'Refuse a changed manifest while the pool\'s node cannot be reached; default false.' })),
  queue: Type.Optional(
    Strict({
      capacity: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000 })),
      full_policy: Type.Optional(Type.Union([Type.Literal('reject'), Type.Literal('drop-lru'), Type.Literal('shed-low-priority')])),
    }),
  ),
});

/** The declarative file that lists what is served. Unknown keys are errors with their line. */
export const Manifest = Strict({
  version: Type.Literal(1),
  models: Type.Optional(Type.Record(ModelId, ManifestModel, { additionalProperties: false })),
  routes: Type.Optional(Type.Record(ModelId, ManifestRoute, { additionalProperties: false })),
  instances: Type.Optional(Type.Array(ManifestInstance, { description: 'Instances of orgs; `org` is `default` where it is left out, `tier` is cold.' })),
  pools: Type.Optional(Type.Array(ManifestPool)),
});
export type Manifest = Static<typeof Manifest>;
