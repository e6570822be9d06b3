import { ApiError, CreateKeyRequest, CreateOrgRequest, validator, type AuditEntry, type CreatedKey, type KeyRecord, type OrgRecord, type UsageEntry } from '@corral/contracts';
import { body } from '@corral/service-kit';
import type { Express } from 'express';
import { unknownKey, type KeyRing } from '../access/key-ring.js';
import type { UsageMeter } from '../access/usage-meter.js';
import { audited } from '../audit/audited.js';
import type { AuditLog } from '../audit/audit-log.js';
import type { OrgRegistry } from '../orgs/org-registry.js';
import type { StoredAudit } from '../store/audit-rows.js';
import type { StoredKey } from '../store/key-rows.js';
import type { Org } from '../store/org-rows.js';
import type { Usage } from '../store/usage-rows.js';
import { badCursor, filterOf, knownQuery, pageIn, pageOf } from './page.js';

export interface AdminRoutesParts {
  readonly orgs: OrgRegistry;
  readonly keys: KeyRing;
  readonly audit: AuditLog;
  readonly usage: UsageMeter;
  /** How many instances somebody made for the org. */
  instancesOf(orgId: string): number;
  nowMs(): number;
}

const createOrg = validator(CreateOrgRequest);
const createKey = validator(CreateKeyRequest);
const SOURCE = 'api_admin';

/** Organisations, keys, and what was done and used with them. For system_admins: the guard before these routes asks. [B-130] */
export function adminRoutes(app: Express, parts: AdminRoutesParts): void {
  orgRoutes(app, parts);
  keyRoutes(app, parts);
  lookRoutes(app, parts);
}

function orgRoutes(app: Express, { orgs, keys, audit, instancesOf }: AdminRoutesParts): void {
  app.post('/api/admin/orgs', async (req, res) => {
    const { org_id: orgId } = body(createOrg, req);
    const org = await audited(audit, req, { action: 'org.create', source: SOURCE, detail: { org_id: orgId } }, () => orgs.create(orgId));
    res.status(201).json(shownOrg(org));
  });

  app.get('/api/admin/orgs', (req, res) => {
    knownQuery(req, ['limit', 'cursor']);
    const { items, nextCursor } = pageIn(orgs.list(), ({ orgId }) => orgId, pageOf(req));
    res.json({ data: items.map(shownOrg), next_cursor: nextCursor });
  });

  app.get('/api/admin/orgs/:org_id', (req, res) => void res.json(shownOrg(orgs.get(req.params.org_id))));

  app.delete('/api/admin/orgs/:org_id', async (req, res) => {
    const { org_id: orgId } = req.params;
    await audited(audit, req, { action: 'org.delete', source: SOURCE, detail: { org_id: orgId.slice(0, 128) } }, () => orgs.delete(orgId, () => leftIn(orgId, instancesOf(orgId), keys.activeOf(orgId).length)));
    res.status(204).end();
  });
}

function leftIn(orgId: string, instances: number, keys: number): string | null {
  if (instances + keys === 0) return null;
  const steps = [...(instances > 0 ? [`delete its instances (DELETE /api/orgs/${orgId}/instances/…)`] : []), ...(keys > 0 ? [`revoke its keys (GET /api/admin/keys?org_id=${orgId})`] : [])];
  return `org ${orgId} has ${instances} instances and ${keys} keys; first ${steps.join(' and ')}`;
}

function keyRoutes(app: Express, { orgs, keys, audit, nowMs }: AdminRoutesParts): void {
  app.post('/api/admin/keys', async (req, res) => {
    const wanted = body(createKey, req);
    const expiresAtMs = wanted.expires_at == null ? null : Date.parse(wanted.expires_at);
    if (expiresAtMs !== null && expiresAtMs <= nowMs()) throw new ApiError('INVALID_PARAMS', 'expires_at has passed; name a time to come', { field: 'expires_at' });
    const made = ({ key }: { readonly key: StoredKey }) => ({ key_id: key.keyId });
    const created = await audited(audit, req, { action: 'key.create', source: SOURCE, detail: { org_id: wanted.org_id, role: wanted.role }, made }, () => {
      const { orgId } = orgs.get(wanted.org_id);
      const { role, name = '', allowed_models: allowedModels = null, requests_per_minute: requestsPerMinute = null } = wanted;
      return keys.create({ orgId, role, name, expiresAtMs, allowedModels, requestsPerMinute });
    });
    const answer: CreatedKey = { ...shownKey(created.key), key: created.text };
    res.status(201).setHeader('Cache-Control', 'no-store').json(answer);
  });

  app.get('/api/admin/keys', (req, res) => {
    knownQuery(req, ['org_id', 'limit', 'cursor']);
    const orgId = filterOf(req, 'org_id');
    const all = keys.list().filter((key) => orgId === null || key.orgId === orgId);
    const { items, nextCursor } = pageIn(all.toSorted((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1)), placeOf, pageOf(req));
    res.json({ data: items.map(shownKey), next_cursor: nextCursor });
  });

  app.get('/api/admin/keys/:key_id', (req, res) => {
    const key = keys.get(req.params.key_id);
    if (key === undefined) throw unknownKey(req.params.key_id);
    res.json(shownKey(key));
  });

  app.delete('/api/admin/keys/:key_id', async (req, res) => {
    const { key_id: keyId } = req.params;
    await audited(audit, req, { action: 'key.revoke', source: SOURCE, detail: { key_id: keyId.slice(0, 128) } }, () => keys.revoke(keyId));
    res.status(204).end();
  });
}

function lookRoutes(app: Express, { audit, usage }: AdminRoutesParts): void {
  app.get('/api/admin/audit', async (req, res) => {
    knownQuery(req, ['instance_id', 'org_id', 'limit', 'cursor']);
    const { limit, cursor } = pageOf(req);
    if (cursor !== null && !/^\d{1,15}$/.test(cursor)) throw badCursor();
    const entries = await audit.list({ instanceId: filterOf(req, 'instance_id'), orgId: filterOf(req, 'org_id'), beforeId: cursor === null ? null : Number(cursor), limit: limit + 1 });
    const shown = entries.slice(0, limit);
    res.json({ data: shown.map(shownAudit), next_cursor: entries.length > limit ? String(shown.at(-1)?.id) : null });
  });

  app.get('/api/admin/usage', async (req, res) => {
    knownQuery(req, ['org_id', 'key_id', 'limit', 'cursor']);
    const { limit, cursor } = pageOf(req);
    const [orgId, keyId] = cursor?.split('/') ?? [];
    if (cursor !== null && (orgId === undefined || keyId === undefined)) throw badCursor();
    const after = orgId === undefined || keyId === undefined ? null : { orgId, keyId: keyId === '' ? null : keyId };
    const used = await usage.list({ orgId: filterOf(req, 'org_id'), keyId: filterOf(req, 'key_id'), after, limit: limit + 1 });
    const shown = used.slice(0, limit);
    const last = shown.at(-1);
    res.json({ data: shown.map(shownUsage), next_cursor: last !== undefined && used.length > limit ? `${last.orgId}/${last.keyId ?? ''}` : null });
  });
}

function placeOf({ createdAtMs, keyId }: StoredKey): string {
  return `${String(createdAtMs).padStart(15, '0')}.${keyId}`;
}

function shownOrg({ orgId, createdAtMs, deletedAtMs }: Org): OrgRecord {
  return { org_id: orgId, created_at: timeOf(createdAtMs), deleted_at: deletedAtMs === null ? null : timeOf(deletedAtMs) };
}

function shownKey(key: StoredKey): KeyRecord {
  return {
    key_id: key.keyId,
    org_id: key.orgId,
    role: key.role,
    name: key.name,
    created_at: timeOf(key.createdAtMs),
    expires_at: key.expiresAtMs === null ? null : timeOf(key.expiresAtMs),
    revoked_at: key.revokedAtMs === null ? null : timeOf(key.revokedAtMs),
    allowed_models: key.allowedModels === null ? null : [...key.allowedModels],
    requests_per_minute: key.requestsPerMinute,
  };
}

function shownAudit(entry: StoredAudit): AuditEntry {
  const { atMs, action, source, actor, orgId, instanceId, outcome, correlationId, detail } = entry;
  return { at: timeOf(atMs), action, source, actor, org_id: orgId, instance_id: instanceId, outcome, correlation_id: correlationId, detail: detail === undefined ? null : { ...detail } };
}

function shownUsage({ orgId, keyId, requests, tokensIn, tokensOut, lastUsedAtMs }: Usage): UsageEntry {
  return { org_id: orgId, key_id: keyId, requests, tokens_in: tokensIn, tokens_out: tokensOut, last_used_at: timeOf(lastUsedAtMs) };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
