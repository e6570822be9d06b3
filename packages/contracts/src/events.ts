import { Type, type Static } from '@sinclair/typebox';
import { Assignment, InstanceStep, LoadProgress } from './assignments.js';
import { ModelOrigin, ModelState } from './catalog.js';
import { ModelDeleted } from './gc.js';
import { EngineChange } from './engines.js';
import { NodeModel } from './nodes.js';
import { PoolStatus } from './pools.js';
import { ReloadFailedEvent, ReloadSucceededEvent } from './reload.js';
import { Count, Digest, Id, ModelId, Ms, Nullable, Residency } from './scalars.js';
import { describeProblems, validator } from './validate.js';

/** What happened to one assignment on its node. */
const InstanceOutcome = Type.Object({
  instance_id: Id,
  org_id: Id,
  generation: Count,
  node_id: Id,
  pool_id: Id,
  replica_id: Nullable(Id),
  residency: Residency,
  last_error: Nullable(Type.String()),
  duration_ms: Nullable(Ms),
  progress: Nullable(LoadProgress),
  retry_at_ms: Type.Optional(Type.Integer()),
  previous_replica_id: Type.Optional(Type.String()),
  no_room: Type.Optional(Type.Literal(true)),
  reason: Nullable(Type.String()),
  steps: Type.Optional(Type.Array(InstanceStep, { description: 'What took how long since the last end, in order.' })),
});

const NodeModelState = Type.Object({ state: ModelState, pinned: Type.Boolean() });

/** What a node keeps of the intent for one of its entries changed. */
const ModelStateChanged = Type.Object({ node_id: Id, model_id: ModelId, digest: Digest, from: NodeModelState, to: NodeModelState });

const intentState = (description: string) => Nullable(Type.Object({ state: ModelState, pinned: Type.Boolean() }, { description }));

/** What is meant for a model changed: of the whole system, whatever its nodes have of it yet. [E-41] */
export const CatalogIntentChange = Type.Object({
  model_id: ModelId,
  digest: Nullable(Digest),
  origin: ModelOrigin,
  from: intentState('Null where nothing was meant for it before.'),
  to: intentState('Null where nothing is meant for it any more.'),
  changed: Type.Array(Type.Union([Type.Literal('definition'), Type.Literal('state'), Type.Literal('deadline'), Type.Literal('pinned')]), { description: 'What differs, where it was there before and is there after.' }),
  drain_until_ms: Nullable(Type.Integer({ description: 'Unix milliseconds at which what runs on the retired model is cut; null where it may finish.' })),
  catalog_version: Count,
  actor: Type.String({ description: 'Who meant it, as in the audit: `key:<key_id>`, `token:<fingerprint>` or `localhost`; `manifest` for what the manifest defines, `nodes` for a file that nodes were found to have.' }),
});
export type CatalogIntentChange = Static<typeof CatalogIntentChange>;

/** Event type → payload. Commands go to a node; what became of a manifest reload and what is meant for models is the control plane's own; the rest come from a node. [E-14] */
export const EVENTS = {
  'orchestrator.load': Assignment,
  'orchestrator.unload': Assignment,
  'instance.loading': InstanceOutcome,
  'instance.loaded': InstanceOutcome,
  'instance.load_failed': InstanceOutcome,
  'instance.unloaded': InstanceOutcome,
  'instance.evicted': InstanceOutcome,
  'pool.ready': PoolStatus,
  'pool.unready': PoolStatus,
  'orchestrator.reload_succeeded': ReloadSucceededEvent,
  'orchestrator.reload_failed': ReloadFailedEvent,
  'catalog.intent_registered': CatalogIntentChange,
  'catalog.intent_changed': CatalogIntentChange,
  'catalog.intent_deleted': CatalogIntentChange,
  'catalog.model_registered': Type.Object({ node_id: Id, model: NodeModel }),
  'catalog.engine_used': EngineChange,
  'catalog.engine_rejected': EngineChange,
  'catalog.state_changed': ModelStateChanged,
  'catalog.model_deleted': ModelDeleted,
} as const;

export type EventType = keyof typeof EVENTS;
export type EventData<T extends EventType> = Static<(typeof EVENTS)[T]>;
export type InstanceOutcome = Static<typeof InstanceOutcome>;

/** CloudEvents 1.0, structured JSON. */
const envelopeOf = <T extends EventType>(type: T) =>
  Type.Object({
    specversion: Type.Literal('1.0'),
    id: Type.String({ minLength: 1 }),
    type: Type.Literal(type),
    source: Type.String({ minLength: 1, description: '`orchestratord` or `pool-managerd/<node_id>`.' }),
    time: Type.String({ format: 'date-time' }),
    datacontenttype: Type.Literal('application/json'),
    correlationid: Type.Optional(Type.String()),
    data: EVENTS[type],
  });

export type EventEnvelope<T extends EventType = EventType> = {
  [K in T]: {
    readonly specversion: '1.0';
    readonly id: string;
    readonly type: K;
    readonly source: string;
    readonly time: string;
    readonly datacontenttype: 'application/json';
    readonly correlationid?: string;
    readonly data: EventData<K>;
  };
}[T];

/** Types that the control plane tells of itself. [E-14 E-41] */
export const OWN_EVENT_TYPES = ['orchestrator.reload_succeeded', 'orchestrator.reload_failed', 'catalog.intent_registered', 'catalog.intent_changed', 'catalog.intent_deleted'] as const satisfies readonly EventType[];
export type OwnEvent = EventEnvelope<(typeof OWN_EVENT_TYPES)[number]>;

export const EVENT_TYPES = Object.keys(EVENTS) as readonly EventType[];

const validators = new Map(EVENT_TYPES.map((type) => [type as string, validator(envelopeOf(type))]));

export type DecodedEvent =
  | { readonly kind: 'event'; readonly event: EventEnvelope }
  | { readonly kind: 'unknown_type'; readonly type: string }
  | { readonly kind: 'malformed'; readonly reason: string };

/** A parsed body becomes a typed event or a reason. Never throws. [C-83] */
export function decodeEvent(value: unknown): DecodedEvent {
  const type = typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : '';
  if (type === '') return { kind: 'malformed', reason: 'the event has no type' };
  const check = validators.get(type);
  if (check === undefined) return { kind: 'unknown_type', type };
  const result = check(value);
  if (!result.ok) return { kind: 'malformed', reason: describeProblems(result.problems) };
  return { kind: 'event', event: result.value as EventEnvelope };
}
