import { ApiError, type Role } from '@corral/contracts';
import { callerOf, nearest, type Caller } from '@corral/service-kit';
import type { IncomingMessage } from 'node:http';

/** On whose behalf a call is made. */
export interface Principal {
  readonly orgId: string;
  readonly role: Role;
  /** null for the caller of an unconfigured home and for a configured token. */
  readonly keyId: string | null;
  /** As logs and audit name it: `localhost`, `token:<fingerprint>` or `key:<key_id>`. */
  readonly identity: string;
}

/** What the gate of orchestratord finds out about a request. */
export interface AccessCaller extends Caller {
  readonly principal: Principal;
  /** Names that the caller may send as `model`; null = all. */
  readonly allowedModels: readonly string[] | null;
  /** Takes one request off the caller's rate. Throws RATE_LIMITED with how long to wait. */
  charge(): void;
  /** Ids of the orgs that are not deleted. */
  orgIds(): readonly string[];
}

const RANK: Readonly<Record<Role, number>> = { member: 0, org_admin: 1, system_admin: 2 };

/** Who calls, with what limits. Throws on a path that is open to all. */
export function accessOf(req: IncomingMessage): AccessCaller {
  return callerOf<AccessCaller>(req);
}

/** Who calls. Throws on a path that is open to all. */
export function principalOf(req: IncomingMessage): Principal {
  return accessOf(req).principal;
}

/** Refuses a caller with a lesser role: 403 ROLE_REQUIRED. [B-116] */
export function requireRole(req: IncomingMessage, role: Role): Principal {
  const principal = principalOf(req);
  if (RANK[principal.role] >= RANK[role]) return principal;
  throw new ApiError('ROLE_REQUIRED', `this call needs the role ${role} and the key has ${principal.role}; use a key with that role, or ask who administers this server for one`);
}

/**
 * Refuses a caller of another org, whatever its role, and one of this org with a lesser role.
 *
 * Another org is 403 ORG_ACCESS_DENIED whether or not it exists; only a system_admin, who may list the orgs, is told 404. [B-111 G-15]
 */
export function requireOrg(req: IncomingMessage, orgId: string, minimumRole: Role): Principal {
  const caller = accessOf(req);
  const { principal } = caller;
  if (principal.orgId === orgId) return requireRole(req, minimumRole);
  if (principal.role === 'system_admin' && !caller.orgIds().includes(orgId)) throw unknownOrg(orgId, caller.orgIds());
  throw new ApiError('ORG_ACCESS_DENIED', `this caller belongs to org ${principal.orgId}, and what it asked for to another one; use a key of that org`);
}

/** 404 that names the org and what is near it. */
export function unknownOrg(orgId: string, known: readonly string[]): ApiError {
  const near = nearest(orgId, [...known]);
  const next = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'GET /api/admin/orgs lists them';
  return new ApiError('NOT_FOUND', `there is no org ${orgId.slice(0, 128)}; ${next}`, { field: 'org_id' });
}
