import { Type, type Static } from '@sinclair/typebox';
import { CorrelationId, Count, Id, ModelId, Nullable, Strict, Timestamp } from './scalars.js';

/** What a key may do; each role may do what those before it may. [B-116] */
export const Role = Type.Union([Type.Literal('member'), Type.Literal('org_admin'), Type.Literal('system_admin')], {
  description: 'member: tasks and chat; org_admin: also the instances of its org; system_admin: also everything under /api/admin, pools, nodes and the catalog.',
});
export type Role = Static<typeof Role>;

export const CreateOrgRequest = Strict({ org_id: Id });
export type CreateOrgRequest = Static<typeof CreateOrgRequest>;

export const OrgRecord = Strict({ org_id: Id, created_at: Timestamp, deleted_at: Nullable(Timestamp) });
export type OrgRecord = Static<typeof OrgRecord>;

export const OrgList = Strict({ data: Type.Array(OrgRecord), next_cursor: Nullable(Type.String()) });
export type OrgList = Static<typeof OrgList>;

const RequestsPerMinute = Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Tasks and `/v1` generations per minute; as many may come at once after a quiet minute.' });
const AllowedModels = Type.Array(ModelId, {
  maxItems: 256,
  description: 'Names that the key may send as `model`: instances, routes, models. A model in the list also allows the instances and routes of it. null = all.',
});
const KeyName = Type.String({ maxLength: 128, pattern: '^\\P{Cc}*$', description: 'For people; need not be unique.' });

export const CreateKeyRequest = Strict({
  org_id: Id,
  role: Role,
  name: Type.Optional(KeyName),
  expires_at: Type.Optional(Nullable(Timestamp)),
  allowed_models: Type.Optional(Nullable(AllowedModels)),
  requests_per_minute: Type.Optional(Nullable(RequestsPerMinute)),
});
export type CreateKeyRequest = Static<typeof CreateKeyRequest>;

const keyFields = {
  key_id: Id,
  org_id: Id,
  role: Role,
  name: KeyName,
  created_at: Timestamp,
  expires_at: Nullable(Timestamp),
  revoked_at: Nullable(Timestamp),
  allowed_models: Nullable(AllowedModels),
  requests_per_minute: Nullable(RequestsPerMinute),
};

/** A key without its text, which nobody can read again. */
export const KeyRecord = Strict(keyFields);
export type KeyRecord = Static<typeof KeyRecord>;

/** The only answer that carries the text of a key. */
export const CreatedKey = Strict({ ...keyFields, key: Type.String({ description: 'Shown once: the server keeps its hash alone.' }) });
export type CreatedKey = Static<typeof CreatedKey>;

export const KeyList = Strict({ data: Type.Array(KeyRecord), next_cursor: Nullable(Type.String()) });
export type KeyList = Static<typeof KeyList>;

/** How a call ended: `granted` did what was asked, `refused` was not allowed to, `failed` was allowed and did not. [B-114] */
export const AuditOutcome = Type.Union([Type.Literal('granted'), Type.Literal('refused'), Type.Literal('failed')]);
export type AuditOutcome = Static<typeof AuditOutcome>;

export const AuditEntry = Strict({
  at: Timestamp,
  action: Type.String({ description: 'What was asked for, such as `load` or `key.create`.' }),
  source: Type.String({ description: 'Where it came from, such as `api_load` or `api_admin`.' }),
  actor: Type.String({ description: 'As in the log: `localhost`, `token:<fingerprint>` or `key:<key_id>`.' }),
  org_id: Type.String({ description: "The caller's." }),
  instance_id: Nullable(Type.String()),
  outcome: AuditOutcome,
  correlation_id: CorrelationId,
  detail: Nullable(Type.Record(Type.String(), Type.Union([Type.String(), Type.Number(), Type.Boolean(), Type.Null()]))),
});
export type AuditEntry = Static<typeof AuditEntry>;

export const AuditList = Strict({ data: Type.Array(AuditEntry), next_cursor: Nullable(Type.String()) });
export type AuditList = Static<typeof AuditList>;

/** Counted since the key, or for callers without a key the org, was first used. */
export const UsageEntry = Strict({
  org_id: Id,
  key_id: Nullable(Id),
  requests: Count,
  tokens_in: Count,
  tokens_out: Count,
  last_used_at: Nullable(Timestamp),
});
export type UsageEntry = Static<typeof UsageEntry>;

export const UsageList = Strict({ data: Type.Array(UsageEntry), next_cursor: Nullable(Type.String()) });
export type UsageList = Static<typeof UsageList>;

/**
 * In the state directory: the token that the daemons of one machine share where none is configured. It acts as a
 * system_admin of the default org, like a configured one; whoever can read the file runs this installation. [B-135]
 */
export const OPERATOR_TOKEN_FILE = 'operator-token';
