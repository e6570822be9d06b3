import { Type, type Static } from '@sinclair/typebox';
import { Bytes, Id, Ms, Nullable, Strict, Timestamp } from './scalars.js';

const GcKind = Type.Union([Type.Literal('model'), Type.Literal('engine')]);
/** What deletes: age since retirement, or a disk beyond a threshold. */
const GcDeleteRule = Type.Union([Type.Literal('DeleteRetired'), Type.Literal('Pressure')]);
/** What keeps: a rule of the policy, a use on the node, or that nothing asks for its deletion. */
const GcKeepRule = Type.Union([
  Type.Literal('InUse'),
  Type.Literal('KeepPinned'),
  Type.Literal('KeepActive'),
  Type.Literal('KeepRecentlyUsed'),
  Type.Literal('External'),
  Type.Literal('NotNeeded'),
]);

const GcDeletion = Type.Object({
  id: Type.String({ minLength: 1, description: 'Of the model or engine bundle.' }),
  kind: GcKind,
  rule: GcDeleteRule,
  bytes: Type.Integer({ minimum: 0, description: 'Freed on the disk by it; 0 where another entry keeps the file, or where the file is used in place.' }),
});

const GcKept = Type.Object({ id: Type.String({ minLength: 1 }), kind: GcKind, rule: GcKeepRule, reason: Type.String() });

const GcDisk = Type.Object({
  path: Type.String(),
  used_percent: Type.Number({ minimum: 0, maximum: 100 }),
  free_gb: Type.Number({ minimum: 0, description: '1 GB = 10^9 bytes.' }),
  total_bytes: Bytes,
  free_bytes: Bytes,
});

const GcThresholds = Type.Object({
  max_disk_usage_percent: Type.Number({ minimum: 0, maximum: 100 }),
  min_free_gb: Type.Number({ minimum: 0 }),
});

/** What a garbage collection on one node would do now. Nothing is changed by making it. [D-38] */
export const GcPlan = Type.Object({
  would_delete: Type.Array(GcDeletion, { description: 'In the order of deletion.' }),
  kept: Type.Array(GcKept),
  disk: GcDisk,
  thresholds: GcThresholds,
  thresholds_met: Type.Boolean({ description: 'As the disk is.' }),
  thresholds_met_after: Type.Boolean({ description: 'Once everything in `would_delete` is gone.' }),
  disk_after: GcDisk,
});
export type GcPlan = Static<typeof GcPlan>;

/** Body of `POST /v2/gc` on a node. [D-33] */
export const GcRequest = Strict({ dry_run: Type.Optional(Type.Boolean({ description: 'Answer with the plan and change nothing.' })) });
export type GcRequest = Static<typeof GcRequest>;

/** Why a pass ran: its interval, an operator, or a fetch that needs room. */
export const GcTrigger = Type.Union([Type.Literal('interval'), Type.Literal('operator'), Type.Literal('fetch')]);
export type GcTrigger = Static<typeof GcTrigger>;

/** What a garbage collection on one node did. [D-35] */
export const GcReport = Type.Object({
  trigger: GcTrigger,
  started_at: Timestamp,
  duration_ms: Ms,
  deleted: Type.Array(GcDeletion),
  failed: Type.Array(Type.Object({ ...GcDeletion.properties, error: Type.String() })),
  kept: Type.Array(GcKept),
  freed_bytes: Bytes,
  disk: GcDisk,
  disk_after: GcDisk,
  thresholds: GcThresholds,
  thresholds_met_after: Type.Boolean(),
});
export type GcReport = Static<typeof GcReport>;

/** A node that gave no answer, and why. */
const GcNodeError = Type.Object({ error: Type.Object({ code: Type.String(), message: Type.String() }) });

/** The plans of all nodes, by node id; a node that is away has its error in its place. [D-33] */
export const GcPlans = Type.Object({ nodes: Type.Record(Id, Type.Union([GcPlan, GcNodeError])) });
export type GcPlans = Static<typeof GcPlans>;

/** What the nodes did, by node id. [D-33] */
export const GcReports = Type.Object({ nodes: Type.Record(Id, Type.Union([GcReport, GcNodeError])) });
export type GcReports = Static<typeof GcReports>;

/** A model that left the disk of a node. [D-35] */
export const ModelDeleted = Type.Object({
  node_id: Id,
  model_id: Type.String({ minLength: 1 }),
  digest: Type.String(),
  rule: Type.Union([GcDeleteRule, Type.Literal('Purge')]),
  freed_bytes: Bytes,
  error: Nullable(Type.String({ description: 'Why its file stayed; the entry is gone all the same.' })),
});
export type ModelDeleted = Static<typeof ModelDeleted>;
