import type { AuditOutcome } from '@corral/contracts';

/** One call to be remembered. Never a secret: what stands here is shown to administrators. */
export interface AuditRecord {
  /** What was asked for, such as `load` or `key.create`. */
  readonly action: string;
  /** Where it came from, such as `api_load` or `api_admin`. */
  readonly source: string;
  /** `identity` of the principal. */
  readonly actor: string;
  /** The caller's org. */
  readonly orgId: string;
  readonly instanceId: string | null;
  readonly outcome: AuditOutcome;
  readonly correlationId: string;
  readonly detail?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Remembers calls, granted and refused. Resolves when the record is durable, so that whoever was answered finds it. [B-114] */
export interface Audit {
  record(entry: AuditRecord): Promise<void>;
}
