import { Type, type Static } from '@sinclair/typebox';
import { InstanceStep, LoadProgress } from './assignments.js';
import { FinishReason, Sampling } from './generate.js';
import { Count, Id, ModelId, Ms, Nullable, Residency, Strict, Tier, Timestamp } from './scalars.js';

const { temperature, top_p, top_k, min_p, seed, stop } = Sampling.properties;

/** What an instance sets for requests that leave it out. */
export const InstanceConfig = Strict({
  system_prompt: Type.Optional(Type.String({ maxLength: 100_000, description: 'Stands before the messages of requests that bring no system message of their own.' })),
  temperature: Type.Optional(temperature),
  top_p: Type.Optional(top_p),
  top_k: Type.Optional(top_k),
  min_p: Type.Optional(min_p),
  max_tokens: Type.Optional(Type.Integer({ minimum: 1 })),
  stop: Type.Optional(Type.Union([Type.String({ minLength: 1 }), stop])),
  seed: Type.Optional(seed),
});
export type InstanceConfig = Static<typeof InstanceConfig>;

/** Changes of a config: a key that is null goes back to not set, a key that is absent stays. */
const InstanceConfigPatch = Strict({
  system_prompt: Type.Optional(Nullable(InstanceConfig.properties.system_prompt)),
  temperature: Type.Optional(Nullable(temperature)),
  top_p: Type.Optional(Nullable(top_p)),
  top_k: Type.Optional(Nullable(top_k)),
  min_p: Type.Optional(Nullable(min_p)),
  max_tokens: Type.Optional(Nullable(InstanceConfig.properties.max_tokens)),
  stop: Type.Optional(Nullable(InstanceConfig.properties.stop)),
  seed: Type.Optional(Nullable(seed)),
});

const name = Type.String({ minLength: 1, maxLength: 256 });
const ttlS = Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'Seconds without use after which a demand instance leaves device memory.' });
/** Suspended: it keeps everything but serves and loads nothing. */
const SettableStatus = Type.Union([Type.Literal('active'), Type.Literal('suspended')]);

const InstanceStatus = Type.Union([Type.Literal('active'), Type.Literal('suspended'), Type.Literal('deleted')]);

/** Body of `POST /api/orgs/{org_id}/instances`. */
export const InstanceCreate = Strict({
  instance_id: Id,
  model: ModelId,
  name: Type.Optional(name),
  tier: Type.Optional(Tier),
  ttl_s: Type.Optional(Nullable(ttlS)),
  config: Type.Optional(InstanceConfig),
});
export type InstanceCreate = Static<typeof InstanceCreate>;

/** Body of `PATCH …/instances/{instance_id}`: what is absent stays. */
export const InstancePatch = Strict({
  model: Type.Optional(ModelId),
  name: Type.Optional(Nullable(name)),
  status: Type.Optional(SettableStatus),
  tier: Type.Optional(Tier),
  ttl_s: Type.Optional(Nullable(ttlS)),
  config: Type.Optional(InstanceConfigPatch),
});
export type InstancePatch = Static<typeof InstancePatch>;

/** An organisation's configured runtime: `tier` is the wish, `residency` the fact. [B-122] */
export const Instance = Type.Object({
  instance_id: Id,
  org_id: Id,
  name: Nullable(Type.String()),
  kind: Type.Union([Type.Literal('explicit'), Type.Literal('implicit')], { description: '`implicit` ones are kept by the server for a route or a bare model.' }),
  origin: Type.Union([Type.Literal('api'), Type.Literal('manifest'), Type.Literal('server')]),
  status: InstanceStatus,
  model: ModelId,
  tier: Tier,
  held_tier: Nullable(Tier),
  ttl_s: Nullable(Count),
  config: InstanceConfig,
  config_hash: Type.String(),
  residency: Residency,
  is_ready: Type.Boolean(),
  node_id: Nullable(Id),
  pool_id: Nullable(Id),
  last_error: Nullable(Type.String()),
  progress: Nullable(LoadProgress),
  estimated_ms: Nullable(Type.Integer({ minimum: 0, description: 'Until it is ready; null where nobody can tell.' })),
  created_at: Timestamp,
  updated_at: Timestamp,
  last_used_at: Nullable(Timestamp),
});
export type Instance = Static<typeof Instance>;

export const InstanceList = Type.Object({ data: Type.Array(Instance), next_cursor: Nullable(Type.String()) });
export type InstanceList = Static<typeof InstanceList>;

/** Body of `POST …/load`, all of it optional: the tier counts for this load alone. [B-113] */
export const LoadRequest = Strict({ tier: Type.Optional(Tier) });
export type LoadRequest = Static<typeof LoadRequest>;

/** 202 of a load; `tier` is the effective one. [B-112] */
export const LoadAccepted = Type.Object({ message: Type.Literal('Load event published'), instance_id: Id, tier: Tier });
export type LoadAccepted = Static<typeof LoadAccepted>;

/** 202 of an unload. [B-112] */
export const UnloadAccepted = Type.Object({ message: Type.Literal('Unload event published'), instance_id: Id });
export type UnloadAccepted = Static<typeof UnloadAccepted>;

/** One thing that happened to an instance. */
export const InstanceEvent = Type.Object({
  at: Timestamp,
  type: Type.String({ description: 'created, updated, suspended, resumed, deleted, load_requested, unload_requested; loading, staged, loaded, load_failed, unloaded, evicted as its node reports them.' }),
  reason: Nullable(Type.String()),
  duration_ms: Nullable(Ms),
  steps: Type.Array(InstanceStep),
});
export type InstanceEvent = Static<typeof InstanceEvent>;

export const InstanceEventList = Type.Object({ data: Type.Array(InstanceEvent), next_cursor: Nullable(Type.String()) });
export type InstanceEventList = Static<typeof InstanceEventList>;

const message = Type.String({ minLength: 1, maxLength: 1_000 });

/** Body of `POST /api/orgs/{org_id}/chat/completion`. [B-118] */
export const InstanceChatRequest = Strict({
  instance_id: Id,
  message,
  conversation_id: Type.Optional(Id),
  stream: Type.Optional(Type.Boolean({ description: 'Default true.' })),
});
export type InstanceChatRequest = Static<typeof InstanceChatRequest>;

/** Body of `POST /api/chat/completion`, whose headers name org and instance. [B-118] */
export const HeaderChatRequest = Strict({ message, conversation_id: Type.Optional(Id), stream: Type.Optional(Type.Boolean()) });
export type HeaderChatRequest = Static<typeof HeaderChatRequest>;

/** The answer of the chat calls with `stream: false`. */
export const InstanceChatAnswer = Type.Object({ message: Type.String(), finish_reason: FinishReason, tokens_in: Count, tokens_out: Count, decode_time_ms: Ms });
export type InstanceChatAnswer = Static<typeof InstanceChatAnswer>;

/** Answer of `GET /api/admin/pool/stats`: every instance counts once. [B-119 G-42] */
export const PoolStats = Type.Object({
  total_instances: Count,
  hot_tier_count: Type.Integer({ minimum: 0, description: 'Resident, tier demand apart.' }),
  warm_tier_count: Type.Integer({ minimum: 0, description: 'Staged, tier demand apart.' }),
  cold_tier_count: Type.Integer({ minimum: 0, description: 'Neither, tier demand apart.' }),
  demand_tier_count: Type.Integer({ minimum: 0, description: 'Tier demand, wherever they are.' }),
  shared_model_count: Type.Integer({ minimum: 0, description: 'Distinct digests that are resident or staged for an instance.' }),
  shared_bundle_count: Type.Integer({ minimum: 0, description: 'Distinct engine builds that run a resident instance.' }),
  memory_estimate_mb: Type.Integer({ minimum: 0, description: 'MiB of device memory and of host RAM that these take, each replica and each staged file once.' }),
});
export type PoolStats = Static<typeof PoolStats>;

/** Answer of `GET /api/admin/health`. Ages are milliseconds. [B-121] */
export const AdminHealth = Type.Object({
  status: Type.Union([Type.Literal('ok'), Type.Literal('degraded')]),
  event_bus: Type.Object({
    mode: Type.Union([Type.Literal('http'), Type.Literal('rabbitmq')]),
    connected: Type.Boolean(),
    last_publish_ms: Nullable(Type.Integer({ minimum: 0, description: 'Since the last confirmed publish.' })),
    last_error: Nullable(Type.String()),
  }),
  workers: Type.Array(
    Type.Object({
      node_id: Id,
      online: Type.Boolean(),
      last_heartbeat_ms: Nullable(Type.Integer({ description: 'Since its last report.' })),
      consumer_connected: Nullable(Type.Boolean()),
      last_event_ms: Nullable(Type.Integer({ description: 'Since its last event.' })),
      queue_lag: Type.Integer({ minimum: 0, description: 'Commands for it that wait to be published.' }),
      last_error: Nullable(Type.String()),
    }),
  ),
  instances: Type.Array(Type.Object({ org_id: Id, instance_id: Id, residency: Residency, ready: Type.Boolean(), last_error: Nullable(Type.String()) })),
});
export type AdminHealth = Static<typeof AdminHealth>;
