import { Type, type Static } from '@sinclair/typebox';
import { Bytes, CorrelationId, Count, Digest, Id, ModelId, Ms, Nullable, Residency, Strict, Tier } from './scalars.js';

/** What a node needs to know of a model to make it present and to load it. */
export const ModelSpec = Strict({
  model_id: ModelId,
  sources: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
  digest: Nullable(Digest),
  context: Type.Integer({ minimum: 1, description: 'Tokens per slot.' }),
  slots: Type.Integer({ minimum: 1, maximum: 256 }),
  pinned: Type.Boolean(),
});
export type ModelSpec = Static<typeof ModelSpec>;

/** Where the control plane wants an instance to be. */
export const WantedResidency = Type.Union([Type.Literal('absent'), Type.Literal('on_disk'), Type.Literal('staged'), Type.Literal('resident')]);
export type WantedResidency = Static<typeof WantedResidency>;

export const EventSource = Type.Union([
  Type.Literal('api_load'),
  Type.Literal('api_unload'),
  Type.Literal('demand'),
  Type.Literal('startup'),
  Type.Literal('watchdog'),
  Type.Literal('gc'),
]);
export type EventSource = Static<typeof EventSource>;

/**
 * One instance on one node, whole: an event carries it, the journal keeps it, registration repeats it.
 * `generation` only grows per instance; a lower one than the journal's is stale. [E-10]
 */
export const Assignment = Strict({
  instance_id: Id,
  org_id: Id,
  tier: Tier,
  wanted: WantedResidency,
  model_ref: ModelId,
  model: ModelSpec,
  digest: Nullable(Digest),
  config_hash: Type.String(),
  generation: Count,
  source: EventSource,
  reason: Type.String({ description: 'Why, in one sentence, for logs and `corral ps`.' }),
  target: Strict({ node_id: Id, pool_id: Id }),
  correlation_id: CorrelationId,
});
export type Assignment = Static<typeof Assignment>;

const LoadPhase = Type.Union([
  Type.Literal('locating'),
  Type.Literal('downloading'),
  Type.Literal('verifying'),
  Type.Literal('inspecting'),
  Type.Literal('staging'),
  Type.Literal('waiting_for_memory'),
  Type.Literal('loading'),
  Type.Literal('restarting'),
]);

/** How far the work on an assignment is. */
export const LoadProgress = Type.Object({ phase: LoadPhase, bytes_done: Nullable(Bytes), bytes_total: Nullable(Bytes), fraction: Nullable(Type.Number({ minimum: 0, maximum: 1 })) });
export type LoadProgress = Static<typeof LoadProgress>;

/** How long one step on the way of an instance took. */
export const InstanceStep = Type.Object({ step: LoadPhase, duration_ms: Ms });
export type InstanceStep = Static<typeof InstanceStep>;

/** Where a node has an assignment: part of every full state. */
export const AssignmentStatus = Type.Object({
  instance_id: Id,
  org_id: Id,
  generation: Count,
  pool_id: Id,
  residency: Residency,
  replica_id: Nullable(Id),
  last_error: Nullable(Type.String()),
  progress: Nullable(LoadProgress),
  previous_replica_id: Type.Optional(Type.String({ description: 'Replica of another model or shape that goes on serving until the wanted one is ready, or because that could not be loaded. [C-261]' })),
  no_room: Type.Optional(Type.Literal(true, { description: 'Its load failed for want of room alone: it fits the pool, though not beside what stays there. Nothing is wrong with the model. [C-264]' })),
  released: Type.Optional(Type.Boolean({ description: 'Its file was deleted while it rested on disk; the node brings it back only for a later generation. [D-68]' })),
  retry_at_ms: Type.Optional(Type.Integer({ description: 'Unix milliseconds before which its node does not try again, whoever asks: its replica restarts after a crash, or its breaker is open.' })),
});
export type AssignmentStatus = Static<typeof AssignmentStatus>;
