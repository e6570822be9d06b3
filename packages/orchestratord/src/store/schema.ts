import type { AuditOutcome, Role } from '@corral/contracts';
import type { BindingKind } from '@corral/orchestrator-core';
import type { Generated } from 'kysely';

/** Columns hold text, integers and reals alone, JSON as text, so that one schema serves SQLite and PostgreSQL. Times are Unix milliseconds, flags 0 or 1. */
export interface Database {
  readonly orgs: OrgTable;
  readonly api_keys: KeyTable;
  readonly key_usage: KeyUsageTable;
  readonly audit: AuditTable;
  readonly instances: InstanceTable;
  readonly models: ModelTable;
  readonly catalog: CatalogTable;
  readonly assignments: AssignmentTable;
  readonly outbox: OutboxTable;
  readonly instance_events: InstanceEventTable;
  readonly bindings: BindingTable;
  readonly own_events: OwnEventTable;
}

export interface OrgTable {
  org_id: string;
  created_at: number;
  deleted_at: number | null;
}

export interface KeyTable {
  key_id: string;
  org_id: string;
  role: Role;
  name: string;
  /** Hex SHA-256 of the whole key; the key itself is nowhere. */
  hash: string;
  /** A JSON list; null = every model. */
  allowed_models: string | null;
  requests_per_minute: number | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

export interface KeyUsageTable {
  org_id: string;
  /** Empty for callers without a key. */
  key_id: string;
  requests: number;
  tokens_in: number;
  tokens_out: number;
  last_used_at: number;
}

/** Rows are added and, after their retention, removed; none is ever changed. [B-114] */
export interface AuditTable {
  id: Generated<number>;
  at: number;
  action: string;
  source: string;
  actor: string;
  org_id: string;
  instance_id: string | null;
  outcome: AuditOutcome;
  correlation_id: string;
  detail: string | null;
}

export interface InstanceTable {
  org_id: string;
  instance_id: string;
  kind: 'explicit' | 'implicit';
  name: string | null;
  status: 'active' | 'suspended';
  origin: 'api' | 'manifest' | 'server';
  model_ref: string;
  tier: string;
  ttl_s: number | null;
  config: string;
  config_hash: string;
  /** The last one given out; survives the assignment. [E-10] */
  generation: number;
  /** The tier of the load that holds it; `null` = nothing does. */
  held_tier: string | null;
  last_used_at: number | null;
  created_at: number;
  updated_at: number;
  deleted_at: number | null;
}

export interface ModelTable {
  model_id: string;
  sources: string;
  digest: string | null;
  context: number;
  slots: number;
  pinned: number;
  /** What a call said of its pin, which holds over the definition; null = nobody did. */
  pin_override: number | null;
  origin: 'manifest' | 'starter' | 'api' | 'node';
  state: 'Active' | 'Retired';
  /** A JSON list. */
  tags: string;
  /** JSON. */
  trust: string;
  /** JSON. */
  verification: string | null;
  last_verified_at: number | null;
  retired_at: number | null;
  drain_until: number | null;
  /** Purged then; the row stays so that nodes hear of it. */
  removed_at: number | null;
  created_at: number;
  updated_at: number;
}

/** One row: how often the intent has changed. */
export interface CatalogTable {
  id: number;
  version: number;
}

export interface AssignmentTable {
  org_id: string;
  instance_id: string;
  node_id: string;
  pool_id: string;
  wanted: string;
  generation: number;
  body: string;
  updated_at: number;
}

export interface OutboxTable {
  id: Generated<number>;
  message_id: string;
  node_id: string;
  org_id: string;
  instance_id: string;
  generation: number;
  body: string;
  created_at: number;
  sent_at: number | null;
  attempts: number;
  last_error: string | null;
}

export interface InstanceEventTable {
  id: Generated<number>;
  org_id: string;
  instance_id: string;
  at: number;
  type: string;
  reason: string | null;
  duration_ms: number | null;
  /** JSON. */
  steps: string;
}

/** What the control plane tells of itself and no broker has yet. [E-42] */
export interface OwnEventTable {
  id: Generated<number>;
  /** The envelope, JSON. */
  body: string;
  created_at: number;
}

/** Versions of what the manifest defines. [F-16] */
export interface BindingTable {
  id: string;
  version: number;
  kind: BindingKind;
  fingerprint: string;
  provider: 'manifest' | 'starter';
  handler: string;
  state: 'active' | 'terminated';
}
