import { ERRORS, isApiError } from '@corral/contracts';
import type { AuditOutcome } from '@corral/contracts';
import { correlationOf } from '@corral/service-kit';
import type { Request } from 'express';
import { principalOf } from '../access/principal.js';
import type { Audit, AuditRecord } from './audit.js';

export interface AuditedCall<T> extends Pick<AuditRecord, 'action' | 'source' | 'detail'> {
  readonly instanceId?: string;
  /** What is known of it only when it was done, such as an id that was given out. */
  readonly made?: (result: T) => NonNullable<AuditRecord['detail']>;
}

/**
 * Runs what a caller asked for, remembers how it ended, and only then lets the answer go: whoever has the answer finds
 * the record. A refusal is remembered with its code and thrown on. [B-114]
 */
export async function audited<T>(audit: Audit, req: Request, call: AuditedCall<T>, work: () => T | Promise<T>): Promise<T> {
  const { orgId, identity } = principalOf(req);
  const entry = { action: call.action, source: call.source, actor: identity, orgId, instanceId: call.instanceId ?? null, correlationId: correlationOf(req) };
  const target = ofOther(req, orgId);
  let result: T;
  try {
    result = await work();
  } catch (error) {
    const code = isApiError(error) ? error.code : 'INTERNAL';
    await audit.record({ ...entry, outcome: outcomeOf(error), detail: { ...target, ...call.detail, code } });
    throw error;
  }
  const detail = { ...target, ...call.detail, ...call.made?.(result) };
  await audit.record({ ...entry, outcome: 'granted', ...(Object.keys(detail).length === 0 ? {} : { detail }) });
  return result;
}

/** The org that the path names, where that is not the caller's own. */
function ofOther(req: Request, orgId: string): { readonly org_id?: string } {
  const named = req.params['org_id'];
  return typeof named !== 'string' || named === orgId ? {} : { org_id: named.slice(0, 128) };
}

/** What was asked for was not allowed, or does not exist for this caller; everything else is no refusal. */
function outcomeOf(error: unknown): AuditOutcome {
  if (!isApiError(error)) return 'failed';
  return [401, 403, 404, 410].includes(ERRORS[error.code].status) ? 'refused' : 'failed';
}
